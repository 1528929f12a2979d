// Several loops, each on a thread of its own.

#include "belfry/loop_group.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "faults.h"
#include "loop/loop_fixture.h"
#include "waiting.h"

namespace belfry {
namespace {

class LoopGroupTest : public EventLoopTest {};

TEST_F(LoopGroupTest, EachLoopRunsOnANamedThreadOfItsOwn) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  {
    LoopGroup loops({.loops = 3, .name = "web"});
    ASSERT_EQ(loops.size(), 3U);
    EXPECT_TRUE(Eventually([] { return CountThreads("web") == 3; }));
    for (std::size_t i = 0; i < loops.size(); ++i) {
      loops.loop(i).Post([&, i] {
        EXPECT_EQ(Executor::Current(), &loops.loop(i));
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      });
    }
  }
  EXPECT_EQ(threads.size(), 3U);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
  EXPECT_EQ(CountThreads("web"), 0U);
}

TEST_F(LoopGroupTest, OneToldNothingHasALoopForEachCore) {
  const LoopGroup loops;
  EXPECT_EQ(loops.size(), std::max(1U, std::thread::hardware_concurrency()));
  EXPECT_TRUE(Eventually([&] { return CountThreads("belfry.loop") == loops.size(); }));
}

TEST_F(LoopGroupTest, WhatIsPostedToEachRunsOnceOnEach) {
  std::mutex mutex;
  std::vector<const Executor*> ran_on;
  LoopGroup loops({.loops = 3});
  loops.PostToEach([&] {
    const std::lock_guard lock(mutex);
    ran_on.push_back(Executor::Current());
  });
  EXPECT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return ran_on.size() == 3;
  }));
  EXPECT_THAT(ran_on,
              testing::UnorderedElementsAre(&loops.loop(0), &loops.loop(1), &loops.loop(2)));
}

TEST_F(LoopGroupTest, WhatIsLeftWhenTheyStopRunsAlsoWhenItIsPostedFromLoopToLoop) {
  std::atomic<int> hops{0};
  {
    LoopGroup loops({.loops = 2});
    loops.Stop();
    struct Hop {
      LoopGroup& group;
      std::atomic<int>& hops;
      void operator()() const {
        if (++hops < 1000) group.loop(static_cast<std::size_t>(hops.load()) % 2).Post(*this);
      }
    };
    loops.loop(0).Post(Hop{loops, hops});
  }
  EXPECT_EQ(hops, 1000);
}

TEST_F(LoopGroupTest, WhenTheSystemRefusesAThreadNoneIsLeft) {
  for (int allowed = 0; allowed < 3; ++allowed) {
    const NoMoreThreads refusing(allowed);
    EXPECT_THROW(LoopGroup({.loops = 3, .name = "web"}), std::system_error);
    EXPECT_EQ(CountThreads("web"), 0U);
  }
}

TEST_F(LoopGroupTest, WhenTheSystemRefusesADescriptorNothingIsLeft) {
  for (int nth = 1; nth <= 3; ++nth) {
    const FailNth fail(sys::Call::kEventfd, nth, EMFILE);
    EXPECT_THROW(LoopGroup({.loops = 3, .name = "web"}), std::system_error);
    EXPECT_EQ(CountThreads("web"), 0U);
  }
}

TEST_F(LoopGroupTest, EachLoopIsWatched) {
  Gate told;
  LoopGroup loops({.loops = 2,
                   .loop = {.slow_after = std::chrono::milliseconds(5),
                            .on_slow = [&](const SlowTurn&) { told.Open(); }}});
  loops.loop(1).Post([&] { told.Wait(); });
  told.Wait();
}

class LoopGroupDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(LoopGroupDeathTest, DestroyingOneOnItsOwnThreadIsABug) {
  EXPECT_DEATH(
      {
        auto* const loops = new LoopGroup({.loops = 1});
        loops->loop(0).Post([loops] { delete loops; });
        Gate().Wait();
      },
      "destroyed on one of its threads");
}

TEST_F(LoopGroupDeathTest, AskingForALoopBeyondTheLastOneIsABug) {
  LoopGroup loops({.loops = 1});
  EXPECT_DEATH(loops.loop(1), "does not have");
}

}  // namespace
}  // namespace belfry
