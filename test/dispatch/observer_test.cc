// Who sees what becomes of every event.

#include "belfry/observer.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"

#include "belfry/library_events.h"
#include "dispatch/timed_test.h"

namespace belfry {
namespace observer_test {

struct Asked {
  int number = 0;
  std::string text{};
};
BELFRY_EVENT_NAME(Asked, "asked", 1);
struct Answered {
  int number = 0;
};
BELFRY_EVENT_NAME(Answered, "answered", 1);

std::string ToString(DeliveryOutcome::Kind how) {
  using Kind = DeliveryOutcome::Kind;
  switch (how) {
    case Kind::kHandled:
      return "handled";
    case Kind::kFailed:
      return "failed";
    case Kind::kFiltered:
      return "filtered";
    case Kind::kRefused:
      return "refused";
    case Kind::kDropped:
      return "dropped";
    case Kind::kCoalesced:
      return "coalesced";
    case Kind::kExpired:
      return "expired";
    case Kind::kCancelled:
      return "cancelled";
  }
  return "?";
}

// Writes a line for whatever it sees.
class Notes final : public Observer {
 public:
  void Published(const Envelope& envelope, const std::shared_ptr<const void>& event,
                 const Who& by) noexcept override {
    Add(Named(by) + "published " + std::string(envelope.type().name()));
    const std::lock_guard lock(mutex_);
    kept_.push_back(event);
    causes_.push_back(envelope.causation_id());
    ids_.push_back(envelope.id());
  }
  void Refused(const AnyEvent& event, PublishResult why, const Who& by) noexcept override {
    Add(Named(by) + "could not publish " + std::string(event.type().name()) + ", " +
        (why.code() == PublishResult::Code::kClosed ? "closed" : "not closed"));
  }
  void Orphaned(const Envelope& envelope) noexcept override {
    Add("nobody listens to " + std::string(envelope.type().name()));
  }
  void DeliveryBegun(const Envelope& envelope, const Who& who) noexcept override {
    Add(Named(who) + "begins " + std::string(envelope.type().name()));
  }
  void AttemptFailed(const Envelope&, const Who& who, std::string_view what) noexcept override {
    Add(Named(who) + "tries again after " + std::string(what));
  }
  void DeliveryEnded(const Envelope& envelope, const Who& who, DeliveryOutcome::Kind how,
                     std::string_view what) noexcept override {
    Add(Named(who) + ToString(how) + " " + std::string(envelope.type().name()) +
        (what.empty() ? "" : ": " + std::string(what)));
  }

  std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::vector<std::shared_ptr<const void>> kept() {
    const std::lock_guard lock(mutex_);
    return kept_;
  }
  std::vector<EventId> ids() {
    const std::lock_guard lock(mutex_);
    return ids_;
  }
  std::vector<EventId> causes() {
    const std::lock_guard lock(mutex_);
    return causes_;
  }

 private:
  static std::string Named(const Who& who) {
    return who.id == 0 ? "" : std::string(who.name) + " ";
  }
  void Add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }

  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<std::shared_ptr<const void>> kept_;
  std::vector<EventId> ids_;
  std::vector<EventId> causes_;
};

class ObserverTest : public TimedTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    MakeTimed([this](DispatcherOptions& options) { options.observer = &notes; });
  }

  Notes notes;
};

TEST_P(ObserverTest, ItSeesAnEventFromItsPublishToTheEndOfItsDelivery) {
  const Subscription desk = dispatcher->Subscribe(
      [](const Asked& asked) { return Answered{asked.number}; }, Options("desk"));
  ASSERT_TRUE(dispatcher->Publish(Asked{7}));
  Settle();
  EXPECT_THAT(notes.all(), testing::ElementsAre(
                               "published asked", "desk begins asked", "desk published answered",
                               "nobody listens to answered", "desk handled asked"));
  ASSERT_EQ(notes.ids().size(), 2U);
  EXPECT_EQ(notes.causes()[1], notes.ids()[0]);
}

TEST_P(ObserverTest, WhatItKeepsOutlivesTheDeliveries) {
  const Subscription desk = dispatcher->Subscribe([](const Asked&) {}, Options("desk"));
  ASSERT_TRUE(dispatcher->Publish(Asked{1, std::string(100, 'x')}));
  Settle();
  const auto kept = notes.kept();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(static_cast<const Asked*>(kept[0].get())->text, std::string(100, 'x'));
}

TEST_P(ObserverTest, ItIsToldWhyAListenerWasPassedOver) {
  Subscription muted = dispatcher->Subscribe([](const Asked&) {}, Options("muted"));
  muted.Mute();
  ListenerOptions odd = Options("odd");
  odd.filter = [](const Asked& asked) { return asked.number % 2 == 1; };
  const Subscription filtered = dispatcher->Subscribe([](const Asked&) {}, std::move(odd));
  auto owner = std::make_shared<int>(1);
  ListenerOptions owned = Options("owned");
  owned.owner = owner;
  const Subscription orphan = dispatcher->Subscribe([](const Asked&) {}, std::move(owned));
  owner.reset();
  ASSERT_TRUE(dispatcher->Publish(Asked{2}));
  Settle();
  const auto all = notes.all();
  EXPECT_THAT(all, testing::Contains("muted filtered asked: the listener is muted"));
  EXPECT_THAT(all, testing::Contains("odd filtered asked: its filter said no"));
  EXPECT_THAT(all, testing::Contains("owned filtered asked: its owner is gone"));
}

TEST_P(ObserverTest, ItSeesEachAttempt) {
  if (mode() == Mode::kInline) GTEST_SKIP() << "an inline listener is not asked again";
  ListenerOptions options = Options("desk");
  options.retry = {.attempts_max = 2};
  const Subscription desk = dispatcher->Subscribe(
      [](const Asked&) { throw std::runtime_error("closed"); }, std::move(options));
  ASSERT_TRUE(dispatcher->Publish(Asked{1}));
  EXPECT_TRUE(Eventually([&] {
    if (manual != nullptr) manual->RunUntilIdle();
    timers.Advance(std::chrono::minutes(1));
    return std::ranges::count(notes.all(), "desk failed asked: closed") == 1;
  }));
  Settle();
  EXPECT_THAT(notes.all(),
              testing::IsSupersetOf({"desk begins asked", "desk tries again after closed",
                                     "desk begins asked", "desk failed asked: closed"}));
}

TEST_P(ObserverTest, ItSeesTheLibrarysOwnEvents) {
  const Subscription desk = dispatcher->Subscribe(
      [](const Asked&) { throw std::runtime_error("closed"); }, Options("desk"));
  const Subscription told = dispatcher->Subscribe([](const ListenerFailed&) {}, Options("told"));
  ASSERT_TRUE(dispatcher->Publish(Asked{1}));
  Settle();
  EXPECT_THAT(notes.all(), testing::IsSupersetOf({"desk failed asked: closed",
                                                  "told handled belfry.listener_failed"}));
}

TEST_P(ObserverTest, ItSeesWhatIsCancelledAndWhatIsRefused) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere it may have run";
  Subscription desk = dispatcher->Subscribe([](const Asked&) {}, Options("desk"));
  ASSERT_TRUE(dispatcher->Publish(Asked{1}));
  ASSERT_EQ(desk.Reset(), ResetResult::kDone);
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDiscard, kPatience).complete);
  EXPECT_FALSE(dispatcher->Publish(Asked{2}));
  EXPECT_THAT(notes.all(), testing::ElementsAre("published asked", "desk cancelled asked",
                                                "could not publish asked, closed"));
}

// Both of one type, so they lie side by side.
TEST_P(ObserverTest, AnInlineListenerThatIsResetBeforeItsTurnIsNotBegun) {
  if (mode() != Mode::kInline) GTEST_SKIP() << "of inline listeners";
  Subscription second;
  const auto listener = [&second](const Asked&) { second.Reset(); };
  const Subscription first = dispatcher->Subscribe(listener, Options("first"));
  second = dispatcher->Subscribe(listener, Options("second"));
  ASSERT_TRUE(dispatcher->Publish(Asked{1}));
  EXPECT_THAT(notes.all(),
              testing::ElementsAre("published asked", "first begins asked", "first handled asked"));
}

TEST_P(ObserverTest, ATrackedPublishIsToldAsWell) {
  const Subscription desk = dispatcher->Subscribe([](const Asked&) {}, Options("desk"));
  const auto told = dispatcher->PublishTracked(Asked{1});
  Settle();
  ASSERT_TRUE(told.finished());
  EXPECT_TRUE(told.value().ok());
  EXPECT_THAT(notes.all(), testing::Contains("desk handled asked"));
}

INSTANTIATE_TEST_SUITE_P(Modes, ObserverTest,
                         testing::Values(Mode::kSynchronous, Mode::kInline, Mode::kManual,
                                         Mode::kPool1, Mode::kPool4),
                         ModeTestName);

}  // namespace observer_test
}  // namespace belfry
