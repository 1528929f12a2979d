// Answers that come when nobody waits for them any more.

#include <vector>

#include "gmock/gmock.h"

#include "belfry/flow_events.h"
#include "flow/ask_fixture.h"

namespace belfry {
namespace {

class AnswerLateTest : public AskTest {
 protected:
  void SetUp() override {
    AskTest::SetUp();
    finder_ = Answer(
        *dispatcher,
        [this](const FindUser&, Context& context) {
          query_ = context.envelope().id();
          return later_;
        },
        Options("finder"));
  }
  void TearDown() override {
    finder_.Reset();
    AskTest::TearDown();
  }
  Subscription ListenToLate() {
    return dispatcher->Subscribe(
        [this](const AnswerLate& late, Context& context) {
          late_.push_back(late);
          cause_ = context.envelope().causation_id();
        },
        Options("late"));
  }
  void TimeOut() {
    const auto found = AskForAda({.within = std::chrono::seconds(1)});
    Settle();
    timers.Advance(std::chrono::seconds(1));
    ASSERT_EQ(found.value().code(), ReplyCode::kTimedOut);
  }

  const Completion<User> later_;
  EventId query_{};
  EventId cause_{};
  std::vector<AnswerLate> late_;
  Subscription finder_;
};

TEST_P(AnswerLateTest, AnAnswerAfterTheTimeOutIsAnEvent) {
  const Subscription late = ListenToLate();
  TimeOut();
  later_.Finish({"Ada"});
  Settle();
  ASSERT_EQ(late_.size(), 1U);
  EXPECT_EQ(late_[0].listener, "finder");
  EXPECT_EQ(late_[0].listener_id, finder_.id());
  EXPECT_EQ(late_[0].query_type, EventTypeOf<FindUser>());
  EXPECT_EQ(late_[0].query_id, query_);
  EXPECT_EQ(cause_, query_);
}

TEST_P(AnswerLateTest, WithoutAListenerTheLogIsTold) {
  TimeOut();
  later_.Finish({"Ada"});
  Settle();
  EXPECT_THAT(log(), testing::HasSubstr("\"finder\" has answered"));
}

TEST_P(AnswerLateTest, AnAnswerInTimeIsNotLate) {
  const Subscription late = ListenToLate();
  const auto found = AskForAda({.within = std::chrono::seconds(1)});
  Settle();
  later_.Finish({"Ada"});
  EXPECT_TRUE(found.value().ok());
  Settle();
  EXPECT_TRUE(late_.empty());
}

TEST_P(AnswerLateTest, SoIsOneAfterTheAnswererWasReset) {
  const Subscription late = ListenToLate();
  const auto found = AskForAda();
  Settle();
  ASSERT_EQ(finder_.Reset(), ResetResult::kDone);
  EXPECT_EQ(found.value().code(), ReplyCode::kCancelled);
  later_.Finish({"Ada"});
  Settle();
  EXPECT_EQ(late_.size(), 1U);
}

BELFRY_IN_EVERY_MODE(AnswerLateTest);

}  // namespace
}  // namespace belfry
