// What users' copies, moves and constructors throw passes through to the caller, with nothing
// changed; their destructors may not throw (test/compile_fail).

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

// Throws when the fuse has burnt down; counts how many there are.
struct Fuse {
  static inline std::atomic<int> alive{0};
  static inline int left = 0;  // copies and moves until one throws; negative: none does

  Fuse() { ++alive; }
  Fuse(const Fuse&) { Burn(); }
  Fuse(Fuse&&) { Burn(); }
  Fuse& operator=(const Fuse&) = delete;
  Fuse& operator=(Fuse&&) = delete;
  ~Fuse() { --alive; }

 private:
  static void Burn() {
    if (left-- == 0) throw std::runtime_error("burnt");
    ++alive;
  }
};

struct Rocket {
  Fuse fuse{};
  std::string payload = std::string(100, 'x');
};
struct Spark {};
struct Weighed {
  bool throws = false;
};
std::size_t BelfryEventBytes(const Weighed& event) {
  if (event.throws) throw std::runtime_error("the scales broke");
  return 1;
}

class ExceptionTest : public ModeTest {
 protected:
  void SetUp() override {
    Fuse::left = -1;
    ASSERT_EQ(Fuse::alive, 0);
    ModeTest::SetUp();
  }
  void TearDown() override {
    ModeTest::TearDown();
    EXPECT_EQ(Fuse::alive, 0);
  }

  // Lets the first copy or move in `operation` throw, then the second, until none does. `check`
  // looks after each that threw.
  template <class Operation, class Check>
  int BurnEachOf(Operation operation, Check check) {
    for (int burnt = 0;; ++burnt) {
      Fuse::left = burnt;
      try {
        operation();
        EXPECT_GE(Fuse::left, 0) << "something was thrown and lost";
        Fuse::left = -1;
        return burnt;
      } catch (const std::runtime_error& error) {
        Fuse::left = -1;
        EXPECT_STREQ(error.what(), "burnt");
        check();
      }
    }
  }
};
BELFRY_IN_EVERY_MODE(ExceptionTest);

// A queue of one place: were it not given back, the next publish would be refused.
TEST_P(ExceptionTest, E3_WhatAnEventsCopyOrMoveThrowsPublishesNothingAndKeepsNoPlace) {
  std::atomic<int> calls{0};
  ListenerOptions narrow = Options();
  narrow.queue.events_max = 1;
  narrow.overflow = Overflow::Reject();
  std::vector<Subscription> listeners;
  for (int i = 0; i < 3; ++i) {
    listeners.push_back(dispatcher->Subscribe([&](const Rocket&) { ++calls; }, narrow));
  }
  const Subscription inlined =
      dispatcher->Subscribe([&](const Rocket&) { ++calls; }, {.run = Run::kInline});
  const auto published = [&] { return StatsOf<Rocket>().published; };
  std::uint64_t expected = 0;
  const auto nothing = [&] {
    EXPECT_EQ(published(), expected);
    EXPECT_EQ(StatsOf<Rocket>().deliveries.offered, 4 * expected);
  };
  const auto one = [&] {
    ++expected;
    Settle();
    EXPECT_EQ(published(), expected);
  };
  const Rocket kept;
  int burnt = BurnEachOf([&] { ASSERT_TRUE(dispatcher->Publish(kept)); }, nothing);
  EXPECT_GE(burnt, 1) << "an lvalue is copied";
  one();
  burnt = BurnEachOf([&] { ASSERT_TRUE(dispatcher->Publish(Rocket{})); }, nothing);
  EXPECT_EQ(burnt, mode() == Mode::kInline ? 0 : 1) << "inline listeners need no move";
  one();
  BurnEachOf([&] { ASSERT_TRUE(dispatcher->Emplace<Rocket>(kept.fuse)); }, nothing);
  one();
  BurnEachOf([&] { static_cast<void>(dispatcher->PublishTracked(kept)); }, nothing);
  one();
  BurnEachOf([&] { ASSERT_TRUE(dispatcher->Publish(std::make_shared<const Rocket>(kept))); },
             nothing);
  one();
  EXPECT_EQ(static_cast<std::uint64_t>(calls), 4 * expected);
}

TEST_P(ExceptionTest, E3_AnEventWhoseSizeCannotBeTakenIsNotPublished) {
  std::atomic<int> calls{0};
  const Subscription listener =
      dispatcher->Subscribe([&](const Weighed&) { ++calls; },
                            {.queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  EXPECT_THROW(static_cast<void>(dispatcher->Publish(Weighed{true})), std::runtime_error);
  EXPECT_EQ(StatsOf<Weighed>().published, 0U);
  ASSERT_TRUE(dispatcher->Publish(Weighed{false}));
  Settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(ExceptionTest, R4_WhatACallablesMoveThrowsSubscribesNothing) {
  std::atomic<int> calls{0};
  const Subscription before = dispatcher->Subscribe([&](const Spark&) { ++calls; }, Options());
  Fuse fuse;
  std::vector<Subscription> made;
  made.reserve(1);
  const int burnt = BurnEachOf(
      [&] {
        made.push_back(dispatcher->Subscribe([&calls, fuse](const Spark&) { ++calls; }, Options()));
      },
      [&] {
        EXPECT_EQ(dispatcher->GetStats().listeners.size(), 1U);
        EXPECT_EQ(Fuse::alive, 1) << "half a listener was left behind";
        EXPECT_TRUE(dispatcher->Publish(Spark{}));
        Settle();
      });
  EXPECT_GE(burnt, 2) << "the caller's own copy, and the library's move";
  calls = 0;
  ASSERT_TRUE(dispatcher->Publish(Spark{}));
  Settle();
  EXPECT_EQ(calls, 2);
}

TEST_P(ExceptionTest, X4_WhatAReplacementsMoveThrowsLeavesTheFormerCallable) {
  std::atomic<int> former{0};
  std::atomic<int> next{0};
  Subscription listener = dispatcher->Subscribe([&](const Spark&) { ++former; }, Options());
  Fuse fuse;
  int checked = 0;
  const int burnt = BurnEachOf(
      [&] {
        EXPECT_EQ(listener.Replace([&next, fuse](const Spark&) { ++next; }), ReplaceResult::kDone);
      },
      [&] {
        EXPECT_TRUE(dispatcher->Publish(Spark{}));
        Settle();
        EXPECT_EQ(former, ++checked);
        EXPECT_EQ(Fuse::alive, 1);
      });
  EXPECT_GE(burnt, 2);
  ASSERT_TRUE(dispatcher->Publish(Spark{}));
  Settle();
  EXPECT_EQ(former, checked);
  EXPECT_EQ(next, 1);
}

// Cannot be moved once it is where its subscriber gives it away.
struct Stuck {
  Stuck() = default;
  Stuck(Stuck&&) { throw std::runtime_error("stuck"); }
  void operator()(const Spark&) const {}
};

TEST_P(ExceptionTest, R4_SeveralThreadsMayFailToSubscribeAtOnce) {
  std::atomic<int> thrown{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        Stuck stuck;
        try {
          static_cast<void>(dispatcher->Subscribe(std::move(stuck), Options()));
        } catch (const std::runtime_error&) {
          ++thrown;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(thrown, 4 * 500);
  EXPECT_TRUE(dispatcher->GetStats().listeners.empty());
}

// A listener that copies what it gets, and fails at that, fails alone.
TEST_P(ExceptionTest, E1_WhatACopyThrowsInsideAListenerIsItsOwnFailure) {
  std::atomic<int> good{0};
  const Subscription keeping = dispatcher->Subscribe(
      [](const Rocket& event) {
        Fuse::left = 0;
        const Rocket copy(event);
        ADD_FAILURE() << "the fuse is wet";
      },
      Options("keeping"));
  const Subscription looking = dispatcher->Subscribe([&](const Rocket&) { ++good; }, Options());
  const auto event = std::make_shared<const Rocket>();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(dispatcher->Publish(event));
  Settle();
  EXPECT_EQ(good, 10);
  EXPECT_EQ(StatsOf<Rocket>().deliveries.dead, 10U);
}

}  // namespace
}  // namespace belfry
