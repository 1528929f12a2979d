#include "belfry/signals2.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "waiting.h"

namespace belfry {
namespace {

struct LiftArrived {
  int floor = 0;
};
using LiftSignal = boost::signals2::signal<void(const LiftArrived&)>;
using LiftSlot = LiftSignal::slot_type;

class Signals2Test : public testing::TestWithParam<Run> {
 protected:
  Subscription Listen() {
    return dispatcher->Subscribe([this](const LiftArrived& lift) { floors.push_back(lift.floor); },
                                 {.run = GetParam()});
  }
  void Settle() { ASSERT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained); }

  std::unique_ptr<Dispatcher> dispatcher = std::make_unique<Dispatcher>();
  std::vector<int> floors;
};
INSTANTIATE_TEST_SUITE_P(Runs, Signals2Test, testing::Values(Run::kQueued, Run::kInline),
                         [](const auto& run) {
                           return run.param == Run::kQueued ? "Queued" : "Inline";
                         });

// --- Signals as sources ---

TEST_P(Signals2Test, WhatASignalEmitsIsPublishedInOrder) {
  const Subscription listener = Listen();
  LiftSignal arrived;
  const SignalSource source = PublishFrom(*dispatcher, "lift", arrived);
  for (int floor = 1; floor <= 3; ++floor) arrived({floor});
  Settle();
  EXPECT_EQ(floors, (std::vector{1, 2, 3}));
}

TEST_P(Signals2Test, AnEventIsMadeOfWhatTheSignalHas) {
  const Subscription listener = Listen();
  boost::signals2::signal<void(const std::string&, int)> moved;
  const SignalSource source =
      PublishFrom(*dispatcher, "lift", moved, [](const std::string& direction, int steps) {
        return LiftArrived{direction == "up" ? steps : -steps};
      });
  moved("up", 2);
  moved("down", 1);
  Settle();
  EXPECT_EQ(floors, (std::vector{2, -1}));
}

TEST_P(Signals2Test, ASourceThatIsGoneIsDisconnected) {
  const Subscription listener = Listen();
  LiftSignal arrived;
  {
    const SignalSource source = PublishFrom(*dispatcher, "lift", arrived);
    EXPECT_TRUE(source.connected());
  }
  EXPECT_EQ(arrived.num_slots(), 0U);
  arrived({1});
  Settle();
  EXPECT_TRUE(floors.empty());
}

TEST_P(Signals2Test, AShutdownDisconnects) {
  LiftSignal arrived;
  const SignalSource source = PublishFrom(*dispatcher, "lift", arrived);
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_FALSE(source.connected());
  EXPECT_EQ(arrived.num_slots(), 0U);
}

TEST_P(Signals2Test, ASourceMayOutliveItsSignalAndItsDispatcher) {
  auto arrived = std::make_optional<LiftSignal>();
  const SignalSource first = PublishFrom(*dispatcher, "first", *arrived);
  const SignalSource second = PublishFrom(*dispatcher, "second", *arrived);
  dispatcher.reset();
  (*arrived)({1});
  arrived.reset();
  EXPECT_FALSE(first.connected());
}

// Boost.Signals2 does not wait for slots that run: they must find out for themselves.
TEST_P(Signals2Test, EmissionsOnOtherThreadsMayMeetTheEndOfTheDispatcher) {
  LiftSignal arrived;
  std::atomic<int> emitted{0};
  std::atomic<bool> over{false};
  std::thread emitting([&] {
    while (!over) {
      arrived({1});
      ++emitted;
    }
  });
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> calls{0};
    dispatcher = std::make_unique<Dispatcher>();
    const Subscription listener =
        dispatcher->Subscribe([&](const LiftArrived&) { ++calls; }, {.run = GetParam()});
    const SignalSource source = PublishFrom(*dispatcher, "lift", arrived);
    EXPECT_TRUE(Eventually([&] { return calls > 0; }));
    dispatcher.reset();
  }
  over = true;
  emitting.join();
  EXPECT_GT(emitted, 0);
}

TEST_P(Signals2Test, WhatIsRefusedIsTold) {
  LiftSignal arrived;
  std::atomic<int> told{0};
  const Subscription telling = dispatcher->Subscribe(
      [&](const PublishRefused& refused) { told += refused.listener == "full"; });
  Gate gate;
  const Subscription full = dispatcher->Subscribe(
      [&](const LiftArrived&) { gate.Wait(); },
      {.name = "full", .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  const SignalSource source = PublishFrom(*dispatcher, "lift", arrived);
  for (int floor = 0; floor < 3; ++floor) arrived({floor});
  EXPECT_TRUE(Eventually([&] { return told > 0; }));
  gate.Open();
  Settle();
}

// --- Slots as listeners ---

TEST_P(Signals2Test, ASlotIsAListener) {
  const Subscription panel = SubscribeSlot(
      *dispatcher, LiftSlot([&](const LiftArrived& lift) { floors.push_back(lift.floor); }),
      {.run = GetParam()});
  ASSERT_TRUE(dispatcher->Publish(LiftArrived{4}));
  Settle();
  EXPECT_EQ(floors, (std::vector{4}));
}

TEST_P(Signals2Test, WhatASlotTracksLivesForTheLengthOfACall) {
  auto window = std::make_shared<int>(7);
  std::weak_ptr<int> watched = window;
  bool alive = false;
  const Subscription panel = SubscribeSlot(*dispatcher, LiftSlot([&](const LiftArrived&) {
                                                          window.reset();
                                                          alive = !watched.expired();
                                                        }).track_foreign(watched),
                                           {.run = GetParam()});
  ASSERT_TRUE(dispatcher->Publish(LiftArrived{}));
  Settle();
  EXPECT_TRUE(alive);
  EXPECT_TRUE(watched.expired());
}

TEST_P(Signals2Test, ASlotWhoseTrackedObjectIsGoneIsNotCalled) {
  auto window = std::make_shared<int>(7);
  const Subscription panel = SubscribeSlot(*dispatcher, LiftSlot([&](const LiftArrived& lift) {
                                                          floors.push_back(lift.floor);
                                                        }).track_foreign(window),
                                           {.run = GetParam()});
  ASSERT_TRUE(dispatcher->Publish(LiftArrived{1}));
  Settle();
  window.reset();
  ASSERT_TRUE(dispatcher->Publish(LiftArrived{2}));
  Settle();
  EXPECT_EQ(floors, (std::vector{1}));
  EXPECT_EQ(dispatcher->GetStats().listeners.at(0).deliveries.dead, 0U);
}

TEST_P(Signals2Test, WhatASlotThrowsIsItsOwnFailure) {
  const Subscription panel = SubscribeSlot(
      *dispatcher, LiftSlot([](const LiftArrived&) { throw 1; }), {.run = GetParam()});
  const Subscription listener = Listen();
  ASSERT_TRUE(dispatcher->Publish(LiftArrived{5}));
  Settle();
  EXPECT_EQ(floors, (std::vector{5}));
}

// --- A dispatcher's life ---

TEST_P(Signals2Test, TheLifeOfADispatcherIsSignals) {
  std::vector<std::string> notes;
  DispatcherSignals life;
  life.subscribed().connect(
      [&](const ListenerInfo& listener) { notes.push_back("+" + std::string(listener.name)); });
  const boost::signals2::scoped_connection going = life.unsubscribed().connect(
      [&](const ListenerInfo& listener) { notes.push_back("-" + std::string(listener.name)); });
  std::vector<DispatcherState> states;
  life.state_changed().connect([&](DispatcherState state) { states.push_back(state); });
  dispatcher = std::make_unique<Dispatcher>(DispatcherOptions{.life_cycle = life.hooks()});
  {
    const Subscription panel =
        dispatcher->Subscribe([](const LiftArrived&) {}, {.name = "panel", .run = GetParam()});
  }
  EXPECT_EQ(notes, (std::vector<std::string>{"+panel", "-panel"}));
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(states, (std::vector{DispatcherState::kDraining, DispatcherState::kClosed}));
}

TEST_P(Signals2Test, SignalsOfALifeLiveAsLongAsTheDispatcher) {
  auto life = std::make_optional<DispatcherSignals>();
  std::atomic<bool> closed{false};
  life->state_changed().connect(
      [&](DispatcherState state) { closed = state == DispatcherState::kClosed; });
  dispatcher = std::make_unique<Dispatcher>(DispatcherOptions{.life_cycle = life->hooks()});
  life.reset();
  const Subscription listener = Listen();
  dispatcher.reset();
  EXPECT_TRUE(closed);
}

TEST_P(Signals2Test, ASlotThatThrowsHurtsNobodyElse) {
  std::string log;
  DispatcherSignals life;
  life.subscribed().connect([](const ListenerInfo&) { throw std::runtime_error("no ink"); });
  dispatcher = std::make_unique<Dispatcher>(DispatcherOptions{
      .life_cycle = life.hooks(), .log = [&](LogLevel, std::string_view text) { log += text; }});
  const Subscription listener = Listen();
  EXPECT_TRUE(listener.status().ok());
  EXPECT_EQ(log, "a life cycle hook threw: no ink");
}

TEST_P(Signals2Test, SlotsMayComeAndGoWhileListenersDo) {
  DispatcherSignals life;
  dispatcher = std::make_unique<Dispatcher>(DispatcherOptions{.life_cycle = life.hooks()});
  std::atomic<bool> over{false};
  std::atomic<int> told{0};
  std::thread listening([&] {
    while (!over) {
      const Subscription panel =
          dispatcher->Subscribe([](const LiftArrived&) {}, {.name = "panel", .run = GetParam()});
    }
  });
  while (told < 1000) {
    const boost::signals2::scoped_connection coming =
        life.subscribed().connect([&](const ListenerInfo&) { ++told; });
    const boost::signals2::scoped_connection going =
        life.unsubscribed().connect([&](const ListenerInfo&) { ++told; });
    const int before = told;
    EXPECT_TRUE(Eventually([&] { return told > before; }));
  }
  over = true;
  listening.join();
}

// --- Publisher ---

TEST(PublisherTest, IsRefusedWhenTheDispatcherIsGone) {
  auto dispatcher = std::make_unique<Dispatcher>();
  int floor = 0;
  const Subscription listener = dispatcher->Subscribe(
      [&](const LiftArrived& lift) { floor = lift.floor; }, {.run = Run::kInline});
  const Publisher publisher = dispatcher->publisher();
  EXPECT_TRUE(publisher.Publish(LiftArrived{3}));
  EXPECT_EQ(floor, 3);
  dispatcher.reset();
  EXPECT_EQ(publisher.Publish(LiftArrived{4}).code(), PublishResult::Code::kClosed);
  EXPECT_EQ(publisher.Publish(std::string("of a new type")).code(), PublishResult::Code::kClosed);
  EXPECT_EQ(floor, 3);
}

}  // namespace
}  // namespace belfry
