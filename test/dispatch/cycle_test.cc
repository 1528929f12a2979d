// X2: listeners that wait for each other to end.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

template <int kNumber>
struct Bell {};

// Each listener of a ring runs on a thread of its own.
class CycleTest : public ModeTest {
 protected:
  // Subscribes `member` to Bell<kNumber> and lets a thread publish that.
  template <int kNumber>
  void Add(std::function<void()> member, ListenerOptions options) {
    ring_.push_back(std::make_unique<std::optional<Subscription>>(dispatcher->Subscribe(
        [member = std::move(member)](const Bell<kNumber>&) { member(); }, std::move(options))));
    publish_.push_back([this] { EXPECT_TRUE(dispatcher->Publish(Bell<kNumber>{})); });
  }
  // All meet inside; then each does `end` to the one after it.
  void Ring(std::size_t members, const std::function<void(std::optional<Subscription>&)>& end,
            const std::function<ListenerOptions(std::size_t)>& options) {
    std::atomic<std::size_t> inside{0};
    const auto member = [&, members](std::size_t own) {
      return [&, own, members] {
        ++inside;
        EXPECT_TRUE(Eventually([&] { return inside == members; }));
        end(*ring_[(own + 1) % members]);
      };
    };
    Add<0>(member(0), options(0));
    Add<1>(member(1), options(1));
    if (members > 2) Add<2>(member(2), options(2));
    std::vector<std::thread> threads;
    for (auto& publish : publish_) threads.emplace_back(publish);
    for (std::thread& thread : threads) thread.join();
    Settle();
    ring_.clear();
    publish_.clear();
  }
  auto Named() const {
    return [this](std::size_t own) { return Options("bell " + std::to_string(own)); };
  }

 private:
  std::vector<std::unique_ptr<std::optional<Subscription>>> ring_;
  std::vector<std::function<void()>> publish_;
};
INSTANTIATE_TEST_SUITE_P(Modes, CycleTest, testing::Values(Mode::kInline, Mode::kPool4),
                         ModeTestName);

// What became of a ring's resets.
struct Ended {
  std::atomic<int> done{0};
  std::atomic<int> deadlocks{0};
  auto Reset() {
    return [this](std::optional<Subscription>& next) {
      switch (next->Reset()) {
        case ResetResult::kDone:
          ++done;
          break;
        case ResetResult::kWouldDeadlock:
          ++deadlocks;
          break;
        case ResetResult::kDeferred:
          ADD_FAILURE() << "it was not its own delivery";
          break;
      }
    };
  }
};

TEST_P(CycleTest, X2_OfTwoThatResetEachOtherOneGivesWay) {
  for (int round = 0; round < 200; ++round) {
    Ended ended;
    Ring(2, ended.Reset(), Named());
    ASSERT_EQ(ended.deadlocks, 1) << "one of the two must give way";
    ASSERT_EQ(ended.done, 1) << "and the other one must get what it waited for";
    ASSERT_TRUE(dispatcher->GetStats().listeners.empty()) << "who gives way has detached";
  }
}

TEST_P(CycleTest, X2_OfThreeThatResetEachOtherInARingOneGivesWay) {
  for (int round = 0; round < 200; ++round) {
    Ended ended;
    Ring(3, ended.Reset(), Named());
    ASSERT_EQ(ended.deadlocks, 1);
    ASSERT_EQ(ended.done, 2);
    ASSERT_TRUE(dispatcher->GetStats().listeners.empty());
  }
}

TEST_P(CycleTest, X2_ARingOfQueuedAndInlineListenersIsOneToo) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "no pool in use";
  const auto mixed = [](std::size_t own) {
    return ListenerOptions{.run = own == 1 ? Run::kInline : Run::kQueued};
  };
  for (int round = 0; round < 100; ++round) {
    for (const std::size_t members : {2U, 3U}) {
      Ended ended;
      Ring(members, ended.Reset(), mixed);
      ASSERT_EQ(ended.deadlocks, 1);
      ASSERT_EQ(ended.done, static_cast<int>(members) - 1);
    }
  }
}

TEST_P(CycleTest, X2_ARowThatIsNoRingWaitsAndNobodyGivesWay) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> turn{0};
    Ended ended;
    const auto reset = ended.Reset();
    // One of the three waits for nobody.
    Ring(
        3,
        [&](std::optional<Subscription>& next) {
          if (turn.fetch_add(1) != 0) reset(next);
        },
        Named());
    ASSERT_EQ(ended.deadlocks, 0);
    ASSERT_EQ(ended.done, 2);
  }
}

TEST_P(CycleTest, X4_OfTwoThatReplaceEachOtherOneGivesWayAndBothAreReplaced) {
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> inside{0};
    std::atomic<int> deadlocks{0};
    std::atomic<int> replacements{0};
    Subscription left;
    Subscription right;
    const auto count = [&](ReplaceResult result) {
      if (result == ReplaceResult::kWouldDeadlock) ++deadlocks;
    };
    const auto meet = [&] {
      ++inside;
      EXPECT_TRUE(Eventually([&] { return inside == 2; }));
    };
    left = dispatcher->Subscribe(
        [&](const Bell<0>&) {
          meet();
          count(right.Replace([&](const Bell<1>&) { ++replacements; }));
        },
        Options());
    right = dispatcher->Subscribe(
        [&](const Bell<1>&) {
          meet();
          count(left.Replace([&](const Bell<0>&) { ++replacements; }));
        },
        Options());
    const auto publish = [&] {
      std::thread one([&] { EXPECT_TRUE(dispatcher->Publish(Bell<0>{})); });
      EXPECT_TRUE(dispatcher->Publish(Bell<1>{}));
      one.join();
      Settle();
    };
    publish();
    ASSERT_EQ(deadlocks, 1);
    publish();
    ASSERT_EQ(replacements, 2);
  }
}

TEST_P(CycleTest, X2_ASubscriptionDestroyedInARingAbortsAndNamesTwoOfIt) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (const std::size_t members : {2U, 3U}) {
    EXPECT_DEATH(Ring(
                     members, [](std::optional<Subscription>& next) { next.reset(); }, Named()),
                 "\"bell [0-2]\" was destroyed inside listener \"bell [0-2]\"");
  }
}

}  // namespace
}  // namespace belfry
