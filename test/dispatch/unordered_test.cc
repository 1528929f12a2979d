// Threads that nothing but the library orders: what one of them did before, the other may use.
//
// They tell each other how far they are without ordering anything, and none ends before the other
// is through, since a thread's record is handed on. A machine that keeps stores in order shows no
// difference; ThreadSanitizer goes by the rules of the language.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"
#include "sync/sync.h"

namespace belfry {
namespace {

struct Letter {
  int number = 0;
};

// A flag that orders nothing.
class Sign {
 public:
  void Give() { given_.store(true, std::memory_order_relaxed); }
  void Await() const {
    EXPECT_TRUE(Eventually([this] { return given_.load(std::memory_order_relaxed); }));
  }

 private:
  std::atomic<bool> given_{false};
};

class UnorderedTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, UnorderedTest, testing::Values(Mode::kInline), ModeTestName);

TEST_P(UnorderedTest, AListenersNameIsMadeByWhoAsksFirstAndReadByTheOther) {
  Sign both_inside[2];
  Sign made;
  const Subscription nameless = dispatcher->Subscribe(
      [&](const Letter& e, Context& context) {
        both_inside[e.number].Give();
        both_inside[1 - e.number].Await();
        if (e.number == 1) made.Await();
        EXPECT_NE(context.listener_name().find("Letter@unordered_test.cc"), std::string::npos);
        if (e.number == 0) made.Give();
      },
      Options());
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] { EXPECT_TRUE(dispatcher->Publish(Letter{i})); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(UnorderedTest, ATypeThatOneThreadUsesFirstIsFoundWholeByTheOther) {
  struct Fresh {};
  Sign used;
  Sign found;
  std::thread first([&] {
    EXPECT_TRUE(dispatcher->Publish(Fresh{}));
    used.Give();
    found.Await();
  });
  std::thread second([&] {
    used.Await();
    EXPECT_TRUE(dispatcher->Publish(Fresh{}));
    found.Give();
  });
  first.join();
  second.join();
  EXPECT_EQ(StatsOf<Fresh>().published, 2U);
}

// What a callable holds, and its last call has written, is there for whoever destroys it.
TEST_P(UnorderedTest, X2_WhatTheLastPassDidIsSeenByWhoResets) {
  // With the last one the thread comes to rely on others for its order.
  constexpr int kMany = static_cast<int>(sync::kHeavyBarrierPays) + 1;
  for (const int passes : {1, kMany, kMany + 1}) {
    Sign passed;
    Sign gone;
    auto sum = std::make_unique<int>(0);
    Subscription adding = dispatcher->Subscribe(
        [sum = std::move(sum)](const Letter& e) { *sum += e.number; }, Options());
    std::thread publisher([&] {
      for (int i = 0; i < passes; ++i) EXPECT_TRUE(dispatcher->Publish(Letter{i}));
      passed.Give();
      gone.Await();
    });
    std::thread resetter([&] {
      passed.Await();
      EXPECT_EQ(adding.Reset(), ResetResult::kDone);
      gone.Give();
    });
    publisher.join();
    resetter.join();
  }
}

}  // namespace
}  // namespace belfry
