// What is posted to a loop.

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "belfry/event_loop.h"
#include "faults.h"
#include "loop/loop_fixture.h"
#include "waiting.h"

namespace belfry {
namespace {

using testing::ElementsAre;

constexpr int kTurnShare = 256;  // see event_loop.h

class PostTest : public EventLoopTest {};

class Note final : public Runnable {
 public:
  Note(std::vector<std::string>& notes, std::string text) : notes_(notes), text_(std::move(text)) {}
  void Run() override { notes_.push_back(text_); }

 private:
  std::vector<std::string>& notes_;
  const std::string text_;
};

void DoNothing() {}

static_assert(Postable<void (*)()> && Postable<void (&)()> && Postable<std::function<void()>&>);
static_assert(!Postable<Note&> && !Postable<int> && !Postable<void (*)(int)>);

TEST_F(PostTest, RunnablesAndClosuresOfAnyKindRunInTheOrderOfPosting) {
  EventLoop loop;
  Note runnable(ran_, "runnable");
  Note last(ran_, "last");
  std::function<void()> function = [&] { ran_.emplace_back("function"); };
  const std::function<void()> constant = [&] { ran_.emplace_back("constant"); };
  struct alignas(256) Aligned {
    std::vector<std::string>& ran;
    void operator()() const {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % 256, 0U);
      ran.emplace_back("aligned");
    }
  };

  loop.Post([&] { ran_.emplace_back("bytes"); });
  loop.Post(runnable);
  loop.Post([&, text = std::string(100, 'x')] { ran_.push_back(text.substr(99)); });
  loop.Post(function);
  loop.Post(constant);
  loop.Post([&, large = std::array<char, 5000>{"large"}] { ran_.emplace_back(large.data()); });
  loop.Post(Aligned{ran_});
  loop.Post([&, owned = std::make_unique<int>(7)] { ran_.push_back(std::to_string(*owned)); });
  loop.Post(&DoNothing);
  loop.Post(DoNothing);
  loop.Post(std::bind(&Note::Run, std::ref(last)));
  static_cast<Executor&>(loop).Post([&] { ran_.emplace_back("of any executor"); });
  loop.RunOnce();

  EXPECT_TRUE(function);
  EXPECT_THAT(ran_, ElementsAre("bytes", "runnable", "x", "function", "constant", "large",
                                "aligned", "7", "last", "of any executor"));
}

TEST_F(PostTest, AClosureIsDestroyedOnTheLoopBeforeTheNextOneRuns) {
  struct Farewell {
    std::vector<std::string>* ran;
    EventLoop* loop;
    Farewell(std::vector<std::string>& r, EventLoop& l) : ran(&r), loop(&l) {}
    Farewell(Farewell&& other) noexcept
        : ran(std::exchange(other.ran, nullptr)), loop(other.loop) {}
    ~Farewell() {
      if (ran == nullptr) return;
      EXPECT_EQ(Executor::Current(), loop);
      ran->emplace_back("destroyed");
      loop->Post([r = ran] { r->emplace_back("posted by a destructor"); });
    }
  };
  EventLoop loop;
  loop.Post([&, farewell = Farewell(ran_, loop)] { ran_.emplace_back("ran"); });
  loop.Post([&] { ran_.emplace_back("next"); });
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("ran", "destroyed", "next"));
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("ran", "destroyed", "next", "posted by a destructor"));
}

TEST_F(PostTest, NoLockIsHeldWhileAClosureIsCopiedAndMoved) {
  struct Chatty {
    EventLoop& loop;
    int& posted;
    Chatty(EventLoop& l, int& p) : loop(l), posted(p) {}
    Chatty(const Chatty& other) noexcept : loop(other.loop), posted(other.posted) { Chat(); }
    Chatty(Chatty&& other) noexcept : loop(other.loop), posted(other.posted) { Chat(); }
    ~Chatty() = default;
    void Chat() const {
      loop.Post([&p = posted] { ++p; });
    }
    void operator()() const {}
  };
  int posted = 0;
  EventLoop loop;
  const Chatty chatty(loop, posted);
  loop.Post(chatty);
  loop.Post(Chatty(loop, posted));
  loop.RunOnce();
  EXPECT_EQ(posted, 3);
}

TEST_F(PostTest, WhatCopyingAClosureThrowsIsThrownAndNothingIsPosted) {
  struct Unwilling {
    int& calls;
    explicit Unwilling(int& c) : calls(c) {}
    Unwilling(const Unwilling& other) : calls(other.calls) { throw std::runtime_error("no"); }
    ~Unwilling() = default;
    void operator()() const { ++calls; }
  };
  int calls = 0;
  const Unwilling unwilling(calls);
  EventLoop loop;
  loop.Post([&] { ran_.emplace_back("before"); });
  EXPECT_THROW(loop.Post(unwilling), std::runtime_error);
  EXPECT_THROW(loop.Post(Unwilling(calls)), std::runtime_error);
  loop.Post([&] { ran_.emplace_back("after"); });
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("before", "after"));
  EXPECT_EQ(calls, 0);
}

TEST_F(PostTest, ATurnRunsItsShareAndDescriptorsAndTimersHaveTheirs) {
  constexpr int kAll = 3 * kTurnShare + 10;
  EventLoop loop;
  const Bell bell;
  bell.Ring();
  int posted = 0;
  int ready = 0;
  int due = 0;
  loop.Watch(bell.fd(), Interest::kReadable, [&](Readiness) { ++ready; });
  const std::function<void()> again = [&] {
    ++due;
    loop.RunAfter({}, again);
  };
  loop.RunAfter({}, again);
  for (int i = 0; i < kAll; ++i) loop.Post([&] { ++posted; });
  for (int turn = 1; turn <= 3; ++turn) {
    loop.RunOnce(kPatience);
    EXPECT_EQ(posted, turn * kTurnShare);
    EXPECT_EQ(ready, turn);
    EXPECT_EQ(due, turn);
  }
  loop.RunOnce(kPatience);
  EXPECT_EQ(posted, kAll);
}

TEST_F(PostTest, ATurnThatHasWorkLeftDoesNotWait) {
  EventLoop loop;
  int posted = 0;
  for (int i = 0; i < kTurnShare + 1; ++i) loop.Post([&] { ++posted; });
  loop.RunOnce();
  loop.RunOnce(kPatience);
  EXPECT_EQ(posted, kTurnShare + 1);
}

TEST_F(PostTest, AFloodFromAnotherThreadDoesNotHoldUpATimer) {
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> ran{0};
  std::uint64_t posted = 0;
  EventLoop loop;  // it runs what is left at its end
  loop.RunAfter(std::chrono::milliseconds(2), [&] { loop.Stop(); });
  std::thread flood([&] {
    while (!over) {
      if (posted - ran > 100'000) continue;
      for (int i = 0; i < 1000; ++i) loop.Post([&] { ++ran; });
      posted += 1000;
    }
  });
  loop.Run();
  over = true;
  flood.join();
}

TEST_F(PostTest, WhoPostsToALoopThatIsAwakeWritesNothing) {
  EventLoop loop;
  const Bell bell;
  bell.Ring();
  loop.Watch(bell.fd(), Interest::kReadable, [&](Readiness) {
    loop.Post([] {});
    bell.Silence();
  });
  loop.RunAfter(Nanoseconds(0), [&] { loop.Post([&] { loop.Post([] {}); }); });
  const FailNth writes(sys::Call::kWrite, 0, 0);
  for (int i = 0; i < 100; ++i) loop.Post([] {});
  for (int turn = 0; turn < 4; ++turn) loop.RunOnce(turn == 0 ? kPatience : Nanoseconds(0));
  EXPECT_EQ(writes.calls(), 0);
}

TEST_F(PostTest, OfAHundredWhoPostToASleepingLoopOneWakesIt) {
  EventLoop loop;
  Gate first;
  Gate go_on;
  std::thread thread([&] { loop.Run(); });
  {
    const FailNth waits(sys::Call::kEpollWait, 0, 0);
    loop.Post([] {});
    ASSERT_TRUE(Eventually([&] { return waits.calls() >= 1; }));
  }
  const FailNth writes(sys::Call::kWrite, 0, 0);
  loop.Post([&] {
    first.Open();
    go_on.Wait();
  });
  first.Wait();  // the loop is awake, and stays so
  const int one = writes.calls();
  EXPECT_LE(one, 1);
  for (int i = 0; i < 100; ++i) loop.Post([] {});
  EXPECT_EQ(writes.calls(), one);
  go_on.Open();
  loop.Stop();
  thread.join();
}

TEST_F(PostTest, AClosureThatEndsItsThreadIsDestroyedAndTheOthersRunLater) {
  auto witness = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = witness;
  EventLoop loop;
  loop.Post([witness = std::move(witness)] { pthread_exit(nullptr); });
  loop.Post([&] { ran_.emplace_back("later"); });
  std::thread([&] { loop.Run(); }).join();
  EXPECT_TRUE(alive.expired());
  EXPECT_TRUE(ran_.empty());
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("later"));
}

TEST_F(PostTest, ALoopMayGoWhileWhoWokeItIsStillAtIt) {
  for (int round = 0; round < 2000; ++round) {
    auto loop = std::make_unique<EventLoop>();
    std::thread poster([&posted_to = *loop, round] {
      if (round % 2 == 0) {
        posted_to.Stop();
      } else {
        posted_to.Post([&posted_to] { posted_to.Stop(); });
      }
    });
    loop->Run();
    loop.reset();
    poster.join();
  }
}

// One thread's closures of all kinds, in their order.
class Poster {
 public:
  explicit Poster(EventLoop& loop) : loop_(loop) {}

  void PostAll(int count) {
    for (int i = 0; i < count; ++i) {
      switch (i % 4) {
        case 0:
          loop_.Post([this, i] { Came(i); });
          break;
        case 1:
          loop_.Post([this, text = std::to_string(i)] { Came(std::stoi(text)); });
          break;
        case 2:
          loop_.Post([this, many = std::array<int, 500>{i}] { Came(many[0]); });
          break;
        default:
          loop_.Post(*new Node(*this, i));
      }
    }
  }

  int came() const { return next_; }

 private:
  class Node final : public Runnable {
   public:
    Node(Poster& poster, int number) : poster_(poster), number_(number) {}
    void Run() override {
      poster_.Came(number_);
      delete this;
    }

   private:
    Poster& poster_;
    const int number_;
  };

  void Came(int number) {
    EXPECT_TRUE(loop_.in_loop_thread());
    EXPECT_EQ(number, next_);
    ++next_;
  }

  EventLoop& loop_;
  int next_ = 0;  // the loop's
};

TEST_F(PostTest, ClosuresOfAllKindsFromManyThreadsRunOnceAndInOrder) {
  constexpr int kEach = 20'000;
  EventLoop loop;
  std::vector<std::unique_ptr<Poster>> posters;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) posters.push_back(std::make_unique<Poster>(loop));
  std::thread runner([&] { loop.Run(); });
  for (const auto& poster : posters) {
    threads.emplace_back([&poster = *poster] { poster.PostAll(kEach); });
  }
  for (std::thread& thread : threads) thread.join();
  loop.Post([&] { loop.Stop(); });
  runner.join();
  for (const auto& poster : posters) EXPECT_EQ(poster->came(), kEach);
}

class PostDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(PostDeathTest, AnEmptyFunctionIsABug) {
  EventLoop loop;
  void (*const nobody)() = nullptr;
  EXPECT_DEATH(loop.Post(std::function<void()>()), "an empty function was posted");
  EXPECT_DEATH(loop.Post(nobody), "an empty function was posted");
}

}  // namespace
}  // namespace belfry
