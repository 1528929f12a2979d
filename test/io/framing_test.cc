#include "belfry/framing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/counting_allocator.h"
#include "io/framing_plan.h"
#include "scale.h"
#include "sync/split_mix.h"

namespace belfry {
namespace {

using std::string_literals::operator""s;

constexpr std::uint8_t kPrefixes[] = {1, 2, 4, 8};
constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();

// The same bytes whole, in every two and in every three pieces.
void ExpectTheSameAtEverySplit(FramingPlan plan) {
  plan.cuts.clear();
  EXPECT_EQ(Difference(plan), "");
  for (std::size_t first = 0; first <= plan.bytes.size(); ++first) {
    for (std::size_t second = first; second <= plan.bytes.size(); ++second) {
      plan.cuts = {first, second};
      EXPECT_EQ(Difference(plan), "") << "cut at " << first << " and " << second;
    }
  }
  plan.cuts.clear();
  for (std::size_t i = 1; i < plan.bytes.size(); ++i) plan.cuts.push_back(i);
  EXPECT_EQ(Difference(plan), "") << "byte by byte";
}

// With each thing that a callback may do, in each of its first calls.
void ExpectTheSameWhateverEachDoes(FramingPlan plan) {
  ExpectTheSameAtEverySplit(plan);
  for (const EachDoes does : {EachDoes::kStops, EachDoes::kDestroys, EachDoes::kThrows}) {
    plan.each_does = does;
    for (plan.in_call = 0; plan.in_call < 4; ++plan.in_call) ExpectTheSameAtEverySplit(plan);
  }
}

// What one Feed of all of it gives.
template <class Kind>
std::vector<std::string> FramesOf(Kind& framing, std::string_view data) {
  std::vector<std::string> frames;
  EXPECT_TRUE(framing.Feed(data, [&](std::string_view frame) { frames.emplace_back(frame); }).ok());
  return frames;
}

using Frames = std::vector<std::string>;

TEST(LineFramingTest, LinesAreGivenWithoutTheirEnd) {
  LineFraming lines;
  EXPECT_EQ(FramesOf(lines, "one\ntwo\r\n\n\r\n\rthr\ree\r\r\nfo"),
            (Frames{"one", "two", "", "", "\rthr\ree\r"}));
  EXPECT_EQ(lines.kept(), 2U);
  EXPECT_EQ(FramesOf(lines, "ur\n"), Frames{"four"});
  EXPECT_EQ(lines.kept(), 0U);
}

TEST(LineFramingTest, WhereverTheBytesAreSplitTheLinesAreTheSame) {
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1}, std::size_t{3}, kMax}) {
    for (const char* bytes :
         {"", "\n", "\r\n", "a\nb\r\n\n\r\nc", "abc\nabc\r\nabc\rabc\r\r\n", "abc\r\n", "abcd\n",
          "abc\r\r\n", "abcdefgh", "a\n\r\r", "\n\n\n\n"}) {
      SCOPED_TRACE(testing::Message() << limit << ": " << testing::PrintToString(bytes));
      ExpectTheSameWhateverEachDoes(
          {.options = LineFramingOptions{.bytes_max = limit}, .bytes = bytes});
    }
  }
}

TEST(LineFramingTest, ALineOfExactlyTheLimitIsGivenAndALongerOneIsNot) {
  LineFraming lines{{.bytes_max = 3}};
  EXPECT_EQ(FramesOf(lines, "abc\nabc\r\nabc\r"), (Frames{"abc", "abc"}));
  EXPECT_EQ(FramesOf(lines, "\n"), Frames{"abc"});
  const absl::Status status = lines.Feed("abcd", [](std::string_view) { ADD_FAILURE(); });
  EXPECT_EQ(status, absl::ResourceExhaustedError("a line of more than 3 bytes: the limit is 3"));
}

TEST(LengthFramingTest, WhereverTheBytesAreSplitTheFramesAreTheSame) {
  for (const std::uint8_t prefix : kPrefixes) {
    for (const std::endian order : {std::endian::big, std::endian::little}) {
      for (const bool give_prefix : {false, true}) {
        LengthFramingOptions options{
            .prefix_bytes = prefix, .give_prefix = give_prefix, .byte_order = order};
        std::string bytes;
        for (const char* frame : {"", "a", "", "bcdef"}) {
          ASSERT_TRUE(AppendLengthPrefixed(bytes, frame, options).ok());
        }
        for (const std::size_t limit : {std::size_t{0}, std::size_t{4}, std::size_t{5}, kMax}) {
          SCOPED_TRACE(testing::Message() << int{prefix} << " bytes, limit " << limit);
          options.bytes_max = limit;
          ExpectTheSameWhateverEachDoes({.options = options, .bytes = bytes});
        }
      }
    }
  }
}

TEST(LengthFramingTest, FramesThatAreToBePassedOnHaveTheirPrefix) {
  LengthFraming frames({.prefix_bytes = 2, .give_prefix = true});
  EXPECT_EQ(FramesOf(frames, "\0\1a\0\0\0\2bc"s), (Frames{"\0\1a"s, "\0\0"s, "\0\2bc"s}));
}

// The bytes that follow are few; a frame that is too long is refused with the last byte of its
// prefix, any other one waits for what never comes.
TEST(LengthFramingTest, HostileLengthsAreRefusedOrWaitedForAndTakeNoMemory) {
  for (const std::uint8_t prefix : kPrefixes) {
    for (const char first : {'\x7f', '\x80', '\xff'}) {
      for (const std::size_t limit : {std::size_t{0}, std::size_t{100}, kMax - 8, kMax - 1, kMax}) {
        SCOPED_TRACE(testing::Message() << int{prefix} << " bytes, limit " << limit);
        const std::string bytes = first + std::string(prefix - 1U, '\xff') + "and more";
        const LengthFramingOptions options{.prefix_bytes = prefix, .bytes_max = limit};
        ExpectTheSameAtEverySplit({.options = options, .bytes = bytes});
        LengthFraming frames(options);
        const std::int64_t before = LiveBytes();
        const absl::Status status = frames.Feed(bytes, [](std::string_view) { ADD_FAILURE(); });
        EXPECT_LT(LiveBytes() - before, 200);
      }
    }
  }
}

TEST(LengthFramingTest, TheErrorSaysWhichLengthAndWhichLimit) {
  LengthFraming frames({.prefix_bytes = 8, .bytes_max = 5});
  std::vector<std::string> given;
  const auto each = [&](std::string_view frame) { given.emplace_back(frame); };
  EXPECT_EQ(frames.Feed("\0\0\0\0\0\0\0\1a"s + std::string(8, '\xff') + "b", each),
            absl::ResourceExhaustedError("a frame of 18446744073709551615 bytes: the limit is 5"));
  EXPECT_EQ(given, Frames{"a"});
  EXPECT_EQ(frames.Feed("\0\0\0\0\0\0\0\1a"s, each),
            absl::FailedPreconditionError("the framing has ended"));
  EXPECT_EQ(given, Frames{"a"});
}

TEST(LengthFramingTest, WhatIsAppendedIsBehindItsLength) {
  std::string out = "x";
  EXPECT_TRUE(AppendLengthPrefixed(out, "ab").ok());
  EXPECT_TRUE(AppendLengthPrefixed(out, "c", {.byte_order = std::endian::little}).ok());
  EXPECT_TRUE(AppendLengthPrefixed(out, "", {.prefix_bytes = 1}).ok());
  EXPECT_EQ(out, "x\0\0\0\2ab\1\0\0\0c\0"s);
}

TEST(LengthFramingTest, WhatIsLongerThanALimitIsNotAppended) {
  std::string out = "x";
  const std::string longest(255, 'a');
  EXPECT_EQ(AppendLengthPrefixed(out, longest + "a", {.prefix_bytes = 1}),
            absl::ResourceExhaustedError("a frame of 256 bytes: the limit is 255"));
  EXPECT_EQ(AppendLengthPrefixed(out, longest, {.bytes_max = 254}),
            absl::ResourceExhaustedError("a frame of 255 bytes: the limit is 254"));
  EXPECT_EQ(out, "x");
  EXPECT_TRUE(AppendLengthPrefixed(out, longest, {.prefix_bytes = 1, .bytes_max = 255}).ok());
  EXPECT_EQ(out, "x\xff" + longest);
  FailAllocation(1);
  EXPECT_THROW(static_cast<void>(AppendLengthPrefixed(out, std::string_view(longest))),
               std::bad_alloc);
  FailAllocation(0);
  EXPECT_EQ(out, "x\xff" + longest);
}

TEST(FixedFramingTest, WhereverTheBytesAreSplitTheFramesAreTheSame) {
  for (const std::size_t bytes : {1U, 2U, 3U, 11U, 12U, 13U}) {
    ExpectTheSameWhateverEachDoes(
        {.options = FixedFramingOptions{.bytes = bytes}, .bytes = "abcdefghijkl"});
  }
  FixedFraming frames({.bytes = 2});
  EXPECT_EQ(FramesOf(frames, "abcde"), (Frames{"ab", "cd"}));
  EXPECT_EQ(frames.kept(), 1U);
}

TEST(FramingTest, ADestroyedFramingCallsNobodyAnyMore) {
  std::map<int, LineFraming> framings;
  Frames given;
  const absl::Status status = framings[7].Feed("one\nquit\nthree\n", [&](std::string_view line) {
    given.emplace_back(line);
    if (line == "quit") framings.erase(7);
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(given, (Frames{"one", "quit"}));
}

TEST(FramingTest, MemoryIsTakenOnlyWhileAFrameIsNotWhole) {
  LineFraming lines;
  LengthFraming frames({.prefix_bytes = 1});
  const std::string half(100, 'a');
  const std::uint64_t allocations = Allocations();
  const std::int64_t before = LiveBytes();
  const auto ignore = [](std::string_view) {};
  EXPECT_TRUE(lines.Feed("one\ntwo\r\n\n", ignore).ok());
  EXPECT_TRUE(frames.Feed("\1a\2bc", ignore).ok());
  EXPECT_EQ(Allocations(), allocations);
  EXPECT_TRUE(lines.Feed("whole\n" + half, ignore).ok());
  EXPECT_GT(LiveBytes(), before);
  EXPECT_TRUE(lines.Feed("\n", ignore).ok());
  EXPECT_EQ(LiveBytes(), before);
  EXPECT_TRUE(lines.Feed(half, ignore).ok());
  lines.Stop();
  EXPECT_EQ(LiveBytes(), before);
}

TEST(FramingTest, OneThatFindsNoMemoryHasEnded) {
  const std::string half(100, 'a');
  for (const std::uint64_t nth : {1U, 2U, 3U}) {
    LineFraming lines;
    FailAllocation(nth);
    const auto feed = [&] {
      for (int i = 0; i < 2; ++i) static_cast<void>(lines.Feed(half, [](std::string_view) {}));
    };
    EXPECT_THROW(feed(), std::bad_alloc) << nth;
    FailAllocation(0);
    EXPECT_EQ(lines.kept(), 0U);
    EXPECT_TRUE(absl::IsFailedPrecondition(lines.Feed("\n", [](std::string_view) {})));
  }
}

TEST(FramingTest, AKindThatCannotBeAborts) {
  EXPECT_DEATH(LengthFraming({.prefix_bytes = 3}), "1, 2, 4 or 8");
  EXPECT_DEATH(LengthFraming({.prefix_bytes = 0}), "1, 2, 4 or 8");
  EXPECT_DEATH(FixedFraming({.bytes = 0}), "at least one byte");
  std::string out;
  EXPECT_DEATH(static_cast<void>(AppendLengthPrefixed(out, "", {.prefix_bytes = 16})), "or 8");
}

// What test/fuzz does with bytes that it finds itself.
TEST(FramingTest, RandomBytesInRandomPiecesAreFramedAsAtOnce) {
  constexpr std::string_view kBytes("\0\0\0\1\2\3\n\n\r\ra\xff", 12);
  for (const unsigned seed : Seeds(4, 100)) {
    SCOPED_TRACE(testing::Message() << "BELFRY_SEED=" << seed);
    SplitMix random(seed);
    for (int round = 0; round < 20'000; ++round) {
      std::string bytes;
      for (int i = 0; i < 20; ++i) bytes += static_cast<char>(random.Next());
      const std::uint64_t size = random.Below(60);
      for (std::uint64_t i = 0; i < size; ++i) bytes += kBytes[random.Below(kBytes.size())];
      ASSERT_EQ(Difference(PlanFrom(bytes)), "");
    }
  }
}

}  // namespace
}  // namespace belfry
