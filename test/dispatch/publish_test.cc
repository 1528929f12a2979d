// The ways to give an event to a dispatcher, and to learn what became of it.

#include <atomic>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/await.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Letter {
  std::string text;
  int pages = 0;
};
struct Sealed {  // can only be moved
  std::unique_ptr<std::string> text;
};
struct Carved {  // cannot even be moved
  Carved(int n, std::string t) : number(n), text(std::move(t)) {}
  Carved(Carved&&) = delete;
  int number;
  std::string text;
};

class PublishTest : public ModeTest {
 protected:
  // Waits for the outcome, running what has to be run by hand.
  const PublishOutcome& Outcome(const Completion<PublishOutcome>& told) {
    Settle();
    return told.Wait();
  }
};
BELFRY_IN_EVERY_MODE(PublishTest);

TEST_P(PublishTest, EmplaceMakesTheEventFromItsParts) {
  std::vector<std::string> heard;
  Subscription letters = dispatcher->Subscribe(
      [&](const Letter& letter) { heard.push_back(letter.text + std::to_string(letter.pages)); },
      Options());
  Subscription sealed =
      dispatcher->Subscribe([&](const Sealed& event) { heard.push_back(*event.text); }, Options());
  Subscription carved =
      dispatcher->Subscribe([&](const Carved& event) { heard.push_back(event.text); }, Options());
  EXPECT_TRUE(dispatcher->Emplace<Letter>("a", 2));
  Settle();
  EXPECT_TRUE(dispatcher->Emplace<Sealed>(std::make_unique<std::string>("b")));
  Settle();
  EXPECT_TRUE(dispatcher->Emplace<Carved>(3, "c"));
  Settle();
  EXPECT_EQ(heard, (std::vector<std::string>{"a2", "b", "c"}));
}

TEST_P(PublishTest, ASharedEventIsNeitherCopiedNorMoved) {
  const auto letter = std::make_shared<const Letter>(Letter{"shared", 1});
  std::vector<const Letter*> seen;
  Subscription first =
      dispatcher->Subscribe([&](const Letter& event) { seen.push_back(&event); }, Options());
  EXPECT_TRUE(dispatcher->Publish(letter));
  Settle();
  EXPECT_TRUE(dispatcher->Publish(std::make_shared<Letter>(Letter{"gone with its deliveries", 1})));
  Settle();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], letter.get());
  EXPECT_NE(seen[1], letter.get());
  EXPECT_EQ(letter.use_count(), 1) << "kept after the last delivery";
}

TEST_P(PublishTest, ASharedEventOfBytesIsNotCopiedEither) {
  struct Bytes {
    long a = 0;
  };
  const auto bytes = std::make_shared<const Bytes>(Bytes{7});
  const Bytes* seen = nullptr;
  Subscription first = dispatcher->Subscribe([&](const Bytes& event) { seen = &event; }, Options());
  EXPECT_TRUE(dispatcher->Publish(bytes));
  Settle();
  EXPECT_EQ(seen, bytes.get());
}

TEST_P(PublishTest, ANullPointerIsABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(static_cast<void>(dispatcher->Publish(std::shared_ptr<const Letter>())),
               "a null pointer was published");
}

TEST_P(PublishTest, ATrackedPublishTellsWhatBecameOfEachDelivery) {
  Subscription good = dispatcher->Subscribe([](const Letter&) {}, Options("good"));
  Subscription bad = dispatcher->Subscribe(
      [](const Letter&) { throw std::runtime_error("no glasses"); }, Options("bad"));
  Subscription wrong = dispatcher->Subscribe(
      [](const Letter&) { return absl::NotFoundError("no page 2"); }, Options("wrong"));
  Subscription deaf = dispatcher->Subscribe([](const Letter&) {}, Options("deaf"));
  deaf.Mute();
  const auto told = dispatcher->PublishTracked(Letter{"dear all", 2});
  const PublishOutcome& outcome = Outcome(told);
  EXPECT_TRUE(outcome.result.ok());
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.unrecorded, 0U);
  ASSERT_EQ(outcome.deliveries.size(), 4U);
  const auto of = [&](const Subscription& listener) {
    for (const DeliveryOutcome& delivery : outcome.deliveries) {
      if (delivery.listener == listener.id()) return delivery;
    }
    ADD_FAILURE() << "no outcome of listener " << listener.id();
    return DeliveryOutcome{};
  };
  EXPECT_EQ(of(good).kind, DeliveryOutcome::Kind::kHandled);
  EXPECT_EQ(of(good).name, "good");
  EXPECT_EQ(of(bad).kind, DeliveryOutcome::Kind::kFailed);
  EXPECT_EQ(of(bad).what, "no glasses");
  EXPECT_EQ(of(wrong).kind, DeliveryOutcome::Kind::kFailed);
  EXPECT_NE(of(wrong).what.find("no page 2"), std::string::npos);
  EXPECT_EQ(of(deaf).kind, DeliveryOutcome::Kind::kFiltered);
}

TEST_P(PublishTest, ATrackedPublishToNobodyIsFinishedAtOnce) {
  const auto told = dispatcher->PublishTracked(Letter{});
  ASSERT_TRUE(told.finished());
  EXPECT_TRUE(told.value().ok());
  EXPECT_TRUE(told.value().deliveries.empty());
}

TEST_P(PublishTest, ATrackedPublishThatIsRefusedSaysSo) {
  ASSERT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  const auto told = dispatcher->PublishTracked(Letter{});
  ASSERT_TRUE(told.finished());
  EXPECT_EQ(told.value().result.code(), PublishResult::Code::kClosed);
  EXPECT_FALSE(told.value().ok());
}

TEST_P(PublishTest, AListenerResetBeforeItsTurnIsCancelledInTheOutcome) {
  if (on_publishing_thread()) GTEST_SKIP() << "nothing is queued when Publish has returned";
  std::atomic<bool> go{false};
  Subscription busy = dispatcher->Subscribe(
      [&](const Letter&) {
        while (!go) std::this_thread::yield();
      },
      Options("busy"));
  if (threaded()) {
    ASSERT_TRUE(dispatcher->Publish(Letter{}));
  }
  const auto told = dispatcher->PublishTracked(Letter{});
  busy.Detach();
  go = true;
  const PublishOutcome& outcome = Outcome(told);
  ASSERT_EQ(outcome.deliveries.size(), 1U);
  EXPECT_EQ(outcome.deliveries[0].kind, DeliveryOutcome::Kind::kCancelled);
}

TEST_P(PublishTest, WhoeverIsToldMayResetTheListener) {
  Subscription listener = dispatcher->Subscribe([](const Letter&) {}, Options());
  const auto told = dispatcher->PublishTracked(Letter{});
  std::atomic<bool> reset{false};
  told.Then([&](const PublishOutcome&) {
    listener.Reset();
    reset = true;
  });
  Settle();
  EXPECT_TRUE(Eventually([&] { return reset.load(); }));
}

// A coroutine that nobody waits for.
struct Story {
  struct promise_type {
    Story get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Story Tell(Dispatcher& dispatcher, std::atomic<std::size_t>& deliveries) {
  const auto told = dispatcher.PublishTracked(Letter{"awaited", 1});
  const PublishOutcome outcome = co_await told;
  deliveries = outcome.deliveries.size();
}

TEST_P(PublishTest, ATrackedPublishCanBeAwaited) {
  Subscription one = dispatcher->Subscribe([](const Letter&) {}, Options());
  Subscription two = dispatcher->Subscribe([](const Letter&) {}, Options());
  std::atomic<std::size_t> deliveries{0};
  Tell(*dispatcher, deliveries);
  Settle();
  EXPECT_TRUE(Eventually([&] { return deliveries == 2; }));
}

}  // namespace
}  // namespace belfry
