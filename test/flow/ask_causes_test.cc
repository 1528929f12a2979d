// What is done with a reply is caused by the query.

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"

#include "flow/ask_fixture.h"

namespace belfry {
namespace {

struct Greeted {};

class AskCausesTest : public AskTest {
 protected:
  void SetUp() override {
    AskTest::SetUp();
    greeted_ = dispatcher->Subscribe(
        [this](const Greeted&, Context& context) {
          const Envelope& envelope = context.envelope();
          got_ = Got{envelope.causation_id(), envelope.correlation_id(),
                     std::string(envelope.baggage("tenant"))};
        },
        Options("greeter"));
  }

  // Publishes with the reply to a query whose answer comes when `answer` is called.
  template <class F>
  void AskAndGreet(F answer, AskOptions options = {}, bool asks_late = false) {
    const Completion<User> later;
    const Subscription finder = Answer(
        *dispatcher,
        [&](const FindUser&, Context& context) {
          query_ = context.envelope().AsCause();
          return later;
        },
        Options("finder"));
    options.publish.baggage = {{"tenant", "7"}};
    const auto found = AskForAda(std::move(options));
    const auto greet = [this](const Reply<User>&) { dispatcher->Publish(Greeted{}); };
    if (!asks_late) found.Then(greet);
    Settle();
    answer(later);
    if (asks_late) found.Then(greet);
    Settle();
    EXPECT_TRUE(query_.causation);
    EXPECT_EQ(got_.cause, query_.causation);
    EXPECT_EQ(got_.correlation, query_.correlation);
    EXPECT_EQ(got_.tenant, "7");
  }

  struct Got {
    EventId cause{};
    EventId correlation{};
    std::string tenant{};
  };
  Subscription greeted_;
  Cause query_{};
  Got got_{};
};

TEST_P(AskCausesTest, OfAnAnswerFromAThreadOfItsOwn) {
  AskAndGreet([](const Completion<User>& later) {
    std::thread([later] { later.Finish({"Ada"}); }).join();
  });
}

TEST_P(AskCausesTest, OfAnAnswerThatIsThereAlready) {
  AskAndGreet([](const Completion<User>& later) { later.Finish({"Ada"}); }, {}, true);
}

TEST_P(AskCausesTest, OfATimeOut) {
  AskAndGreet([this](const Completion<User>&) { timers.Advance(std::chrono::seconds(1)); },
              {.within = std::chrono::seconds(1)});
}

TEST_P(AskCausesTest, WhatComesOfARefusalIsCausedByTheAsker) {
  std::vector<Header> too_much;
  for (std::size_t i = 0; i <= kBaggageEntriesMax; ++i) {
    too_much.emplace_back("tenant" + std::to_string(i), "7");
  }
  const EventId asker = dispatcher->NewEventId();
  const CauseScope scope({asker, asker});
  const auto found = AskForAda({.publish = {.baggage = too_much}});
  ASSERT_TRUE(found.finished());
  EXPECT_EQ(found.value().code(), ReplyCode::kFailed);
  EXPECT_EQ(found.value().status().code(), absl::StatusCode::kInvalidArgument);
  found.Then([this](const Reply<User>&) { dispatcher->Publish(Greeted{}); });
  Settle();
  EXPECT_EQ(got_.cause, asker);
}

TEST_P(AskCausesTest, AQueryIsCausedByTheDeliveryInWhichItIsAsked) {
  struct Begun {};
  EventId cause;
  EventId begun;
  const Subscription finder = Answer(
      *dispatcher,
      [&](const FindUser&, Context& context) {
        cause = context.envelope().causation_id();
        return User{};
      },
      Options("finder"));
  const Subscription asker = dispatcher->Subscribe(
      [&](const Begun&, Context& context) {
        begun = context.envelope().id();
        AskForAda();
      },
      Options("asker"));
  ASSERT_TRUE(dispatcher->Publish(Begun{}));
  Settle();
  EXPECT_TRUE(begun);
  EXPECT_EQ(cause, begun);
}

BELFRY_IN_EVERY_MODE(AskCausesTest);

}  // namespace
}  // namespace belfry
