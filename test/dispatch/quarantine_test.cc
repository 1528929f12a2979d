// Listeners that fail too often.

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

using std::chrono::seconds;

struct Question {
  bool fails = true;
};

class QuarantineTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    Make([this](DispatcherOptions& options) { options.clock = &clock; });
  }
  ListenerOptions Quarantined(unsigned failures) {
    ListenerOptions options = Options("ask");
    options.quarantine = {.failures = failures, .within = seconds(10)};
    return options;
  }
  void Publish(bool fails = true) {
    ASSERT_TRUE(dispatcher->Publish(Question{fails}));
    Settle();
  }

  ManualClock clock;
};

TEST_P(QuarantineTest, E2_SoManyFailuresInThatTimeMuteAListener) {
  std::atomic<int> told{0};
  const Subscription quarantines = dispatcher->Subscribe([&](const ListenerQuarantined& event) {
    EXPECT_EQ(event.listener, "ask");
    EXPECT_EQ(event.what, "wrong");
    ++told;
  });
  std::atomic<int> called{0};
  Subscription listener = dispatcher->Subscribe(
      [&](const Question& question) {
        ++called;
        if (question.fails) throw std::runtime_error("wrong");
      },
      Quarantined(3));
  Publish();
  Publish();
  Publish(false);
  EXPECT_EQ(told, 0);
  Publish();
  EXPECT_EQ(called, 4);
  EXPECT_EQ(told, 1);
  Publish(false);
  EXPECT_EQ(called, 4) << "it is muted";
  EXPECT_EQ(StatsOf<Question>().deliveries.filtered, 1U);

  listener.Unmute();
  Publish(false);
  EXPECT_EQ(called, 5);
  Publish();
  Publish();
  EXPECT_EQ(told, 1) << "it begins anew";
  Publish();
  EXPECT_EQ(told, 2);
}

TEST_P(QuarantineTest, E2_FailuresThatAreFurtherApartDoNot) {
  std::atomic<int> called{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Question&) {
        ++called;
        return absl::InternalError("wrong");
      },
      Quarantined(2));
  for (int i = 0; i < 5; ++i) {
    Publish();
    clock.Advance(seconds(11));
  }
  EXPECT_EQ(called, 5);
  Publish();
  Publish();
  EXPECT_EQ(called, 7);
  Publish();
  EXPECT_EQ(called, 7) << "a returned error counts like an exception";
}

TEST_P(QuarantineTest, E2_WithoutAListenerForItTheLogIsTold) {
  const Subscription listener = dispatcher->Subscribe(
      [](const Question&) { throw std::runtime_error("wrong"); }, Quarantined(1));
  Publish();
  EXPECT_NE(log().find("listener \"ask\" failed too often and is muted"), std::string::npos)
      << log();
}

TEST_P(QuarantineTest, E1_AThrowingFilterIsAFailureToo) {
  ListenerOptions options = Quarantined(2);
  options.filter = [](const Question&) -> bool { throw std::runtime_error("filter"); };
  std::atomic<int> told{0};
  const Subscription quarantines =
      dispatcher->Subscribe([&](const ListenerQuarantined&) { ++told; });
  const Subscription listener = dispatcher->Subscribe([](const Question&) {}, options);
  Publish();
  Publish();
  EXPECT_EQ(told, 1);
}

TEST_P(QuarantineTest, E2_WhoFailsWhileItIsReplacedIsMutedUnderItsNewCallable) {
  Subscription listener;
  listener = dispatcher->Subscribe(
      [&](const Question&) {
        listener.Replace([](const Question&) {});
        throw std::runtime_error("wrong");
      },
      Quarantined(1));
  Publish();
  EXPECT_TRUE(OnlyListener().muted);
}

BELFRY_IN_EVERY_MODE(QuarantineTest);

}  // namespace
}  // namespace belfry
