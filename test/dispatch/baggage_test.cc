// Baggage: what an event hands on, through whatever way it goes, and contexts that a user's own
// threads restore.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/ambient_context.h"
#include "belfry/batch.h"
#include "belfry/library_events.h"
#include "dispatch/timed_test.h"

namespace belfry {
namespace {

using Code = PublishResult::Code;
using Headers = std::vector<Header>;

struct Asked {
  int number = 0;
};
struct Between {};  // bytes, and nobody wants to know its envelope
struct Answered {
  std::string text = std::string(100, 'x');
};

class BaggageTest : public TimedTest {
 protected:
  // Notes what each Answered carries.
  Subscription Noting() {
    return dispatcher->Subscribe(
        [this](const Answered&, Context& context) {
          const std::lock_guard lock(mutex_);
          carried_.emplace_back(context.envelope().baggage().begin(),
                                context.envelope().baggage().end());
          shared_.push_back(context.envelope().shared_baggage());
        },
        Options());
  }
  std::vector<Headers> carried() {
    const std::lock_guard lock(mutex_);
    return carried_;
  }
  std::vector<SharedBaggage> shared() {
    const std::lock_guard lock(mutex_);
    return shared_;
  }
  Headers Last() { return carried().empty() ? Headers{{"nothing", "came"}} : carried().back(); }

  const Headers tenant{{"tenant", "7"}};

 private:
  std::mutex mutex_;
  std::vector<Headers> carried_;
  std::vector<SharedBaggage> shared_;
};
BELFRY_IN_EVERY_MODE(BaggageTest);

TEST_P(BaggageTest, AllThatAnEventCausesInheritsItWhicheverWayItGoes) {
  const Subscription noting = Noting();
  const Subscription between =
      dispatcher->Subscribe([this](const Between&) { dispatcher->Publish(Answered{}); }, Options());
  const Subscription asked =
      dispatcher->Subscribe([this](const Asked&) { dispatcher->Publish(Between{}); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{1}, {.baggage = tenant}));
  ASSERT_TRUE(dispatcher->Publish(Asked{2}));
  Settle();
  EXPECT_EQ(carried(), (std::vector<Headers>{tenant, {}}));
}

TEST_P(BaggageTest, ItIsSharedAndNotCopiedWhereNothingIsAdded) {
  const Subscription noting = Noting();
  const Subscription asked = dispatcher->Subscribe(
      [this](const Asked&, Context& context) {
        dispatcher->Publish(Answered{});
        dispatcher->Publish(Answered{}, {.headers = {{"own", "1"}}});
        EXPECT_EQ(context.envelope().baggage("tenant"), "7");
        EXPECT_EQ(context.envelope().baggage("other"), "");
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.baggage = tenant}));
  Settle();
  ASSERT_EQ(shared().size(), 2U);
  EXPECT_EQ(shared()[0], shared()[1]);
}

TEST_P(BaggageTest, WhatIsSaidAtAPublishIsAddedAndWinsByName) {
  const Subscription noting = Noting();
  const Subscription asked = dispatcher->Subscribe(
      [this](const Asked&) {
        dispatcher->Publish(Answered{}, {.baggage = {{"user", "ada"}, {"tenant", "8"}}});
        dispatcher->Publish(Answered{}, {.cause = Cause{}, .baggage = {{"a", "1"}, {"a", "2"}}});
        dispatcher->Publish(Answered{});
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.baggage = tenant}));
  Settle();
  EXPECT_EQ(carried(),
            (std::vector<Headers>{
                {{"tenant", "8"}, {"user", "ada"}}, {{"tenant", "7"}, {"a", "2"}}, tenant}));
}

TEST_P(BaggageTest, ReturnedEventsInheritItAndABatchDoesWhenItIsCommitted) {
  const Subscription noting = Noting();
  Batch batch(dispatcher->publisher());
  const Subscription returning =
      dispatcher->Subscribe([](const Asked&) { return Answered{}; }, Options());
  const Subscription committing =
      dispatcher->Subscribe([&](const Between&) { EXPECT_TRUE(batch.Commit()); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.baggage = tenant}));
  Settle();
  batch.Add(Answered{});
  ASSERT_TRUE(dispatcher->Publish(Between{}, {.baggage = {{"at", "commit"}}}));
  Settle();
  EXPECT_EQ(carried(), (std::vector<Headers>{tenant, {{"at", "commit"}}}));
}

TEST_P(BaggageTest, ADelayedPublishHasWhatThereWasWhenItWasAskedFor) {
  const Subscription noting = Noting();
  const Subscription asked = dispatcher->Subscribe(
      [this](const Asked&) {
        dispatcher->PublishAfter(std::chrono::seconds(1), Answered{});
        dispatcher->PublishAfter(std::chrono::seconds(2), Answered{}, {.baggage = {{"a", "1"}}});
      },
      Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.baggage = tenant}));
  Settle();
  AmbientContext elsewhere;
  ASSERT_TRUE(elsewhere.Carry({{"elsewhere", "1"}}));
  const AmbientScope scope(elsewhere);
  for (int i = 0; i < 2; ++i) {
    timers.Advance(std::chrono::seconds(1));
    Settle();
  }
  EXPECT_EQ(carried(), (std::vector<Headers>{tenant, {{"tenant", "7"}, {"a", "1"}}}));
}

TEST_P(BaggageTest, RetriesAndDeadLettersKeepIt) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "inline there is neither";
  const Subscription noting = Noting();
  std::atomic<int> failures{0};
  ListenerOptions options = Options("ask");
  options.retry = {.attempts_max = 2, .delay = Nanoseconds(1)};
  options.dead_letters = true;
  const Subscription asked = dispatcher->Subscribe(
      [&](const Asked&) {
        dispatcher->Publish(Answered{});
        if (++failures <= 2) throw std::runtime_error("not yet");
      },
      options);
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.baggage = tenant}));
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    timers.Advance(std::chrono::seconds(1));
    return dispatcher->dead_letters().size() == 1;
  }));
  Settle();
  EXPECT_EQ(carried(), (std::vector<Headers>{tenant, tenant}));
  AmbientContext elsewhere;
  ASSERT_TRUE(elsewhere.Carry({{"elsewhere", "1"}}));
  const AmbientScope scope(elsewhere);
  ASSERT_TRUE(dispatcher->dead_letters().Retry(dispatcher->dead_letters().List()[0].number).ok());
  Settle();
  EXPECT_EQ(carried(), (std::vector<Headers>{tenant, tenant, tenant}));
}

TEST_P(BaggageTest, WhatIsToldOfAFailureHasTheBaggageOfWhatFailed) {
  std::string told;
  const Subscription telling = dispatcher->Subscribe(
      [&](const ListenerFailed&, Context& context) {
        told = std::string(context.envelope().baggage("tenant"));
      },
      Options());
  const Subscription failing =
      dispatcher->Subscribe([](const Asked&) { throw std::runtime_error("failed"); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.baggage = tenant}));
  Settle();
  EXPECT_EQ(told, "7");
}

// --- Contexts ---

TEST_P(BaggageTest, AContextIsCapturedInADeliveryAndRestoredOnAnotherThread) {
  const Subscription noting = Noting();
  AmbientContext kept;
  const Subscription asked =
      dispatcher->Subscribe([&](const Asked&) { kept = AmbientContext::Current(); }, Options());
  const EventId id = dispatcher->NewEventId();
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.id = id, .baggage = tenant}));
  Settle();
  EXPECT_EQ(kept.cause().causation, id);
  std::thread worker([&] {
    const AmbientScope scope(kept);
    EXPECT_EQ(Cause::Current().causation, id);
    EXPECT_TRUE(dispatcher->Publish(Answered{}));
  });
  worker.join();
  Settle();
  EXPECT_EQ(Last(), tenant);
  ASSERT_TRUE(dispatcher->Publish(Answered{}));
  Settle();
  EXPECT_EQ(Last(), Headers{});
}

TEST_P(BaggageTest, ScopesNestAndTheInnermostOneSaysAllOfIt) {
  const Subscription noting = Noting();
  const auto publish = [&] {
    EXPECT_TRUE(dispatcher->Publish(Answered{}));
    Settle();
    return Last();
  };
  AmbientContext outer;
  ASSERT_TRUE(outer.Carry(tenant));
  AmbientContext inner = outer;
  ASSERT_TRUE(inner.Carry({{"user", "ada"}}));
  EXPECT_EQ(outer.baggage().size(), 1U) << "copies are values";
  {
    const AmbientScope first(outer);
    {
      const AmbientScope second(inner);
      EXPECT_EQ(publish(), (Headers{{"tenant", "7"}, {"user", "ada"}}));
      const CauseScope cause(Cause{{7, 1}, {7, 2}});
      EXPECT_EQ(publish(), (Headers{{"tenant", "7"}, {"user", "ada"}}));
      const AmbientScope none{AmbientContext()};
      EXPECT_EQ(publish(), Headers{});
      EXPECT_FALSE(Cause::Current().causation);
    }
    EXPECT_EQ(publish(), tenant);
  }
  EXPECT_EQ(publish(), Headers{});
}

TEST_P(BaggageTest, AScopeInADeliveryIsForWhatIsPublishedInIt) {
  const Subscription noting = Noting();
  const Subscription asked = dispatcher->Subscribe(
      [&](const Asked&) {
        AmbientContext other;
        EXPECT_TRUE(other.Carry({{"user", "ada"}}));
        {
          const AmbientScope scope(other);
          dispatcher->Publish(Between{});
        }
        dispatcher->Publish(Answered{});
      },
      Options());
  const Subscription between =
      dispatcher->Subscribe([this](const Between&) { dispatcher->Publish(Answered{}); }, Options());
  ASSERT_TRUE(dispatcher->Publish(Asked{}, {.baggage = tenant}));
  Settle();
  std::vector<Headers> sorted = carried();
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, (std::vector<Headers>{tenant, {{"user", "ada"}}}));
}

// --- Limits ---

TEST_P(BaggageTest, MoreThanAnEventMayCarryIsRefusedAndTheEventIsNotMovedFrom) {
  const Subscription noting = Noting();
  Headers many;
  for (std::size_t i = 0; i < kBaggageEntriesMax; ++i) many.push_back({std::to_string(i), ""});
  const Headers large{{"n", std::string(kBaggageBytesMax - 1, 'x')}};
  ASSERT_TRUE(dispatcher->Publish(Answered{}, {.baggage = many}));
  ASSERT_TRUE(dispatcher->Publish(Answered{}, {.baggage = large}));
  Answered event;
  const AmbientScope scope([&] {
    AmbientContext one;
    EXPECT_TRUE(one.Carry({{"one", "1"}}));
    EXPECT_FALSE(one.Carry(many));
    EXPECT_FALSE(one.Carry(large));
    EXPECT_EQ(one.baggage().size(), 1U);
    return one;
  }());
  for (const Headers& too_much : {many, large}) {
    const PublishResult result = dispatcher->Publish(std::move(event), {.baggage = too_much});
    EXPECT_EQ(result.code(), Code::kTooMuchBaggage);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(event.text.size(), 100U);
    EXPECT_EQ(
        dispatcher->PublishAfter(Nanoseconds(1), Answered{}, {.baggage = too_much}).result().code(),
        Code::kTooMuchBaggage);
    Completion<PublishOutcome> told = dispatcher->PublishTracked(Answered{}, {.baggage = too_much});
    EXPECT_EQ(told.Wait().result.code(), Code::kTooMuchBaggage);
  }
  Settle();
  EXPECT_EQ(carried().size(), 2U);
  EXPECT_EQ(StatsOf<Answered>().refused, 4U);
}

}  // namespace
}  // namespace belfry
