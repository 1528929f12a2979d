// Connections and signals in a world.

#include "belfry/testing/fake_connections.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "belfry/testing/explore.h"
#include "belfry/testing/fake_signals.h"
#include "belfry/testing/world.h"

namespace belfry::testing {
namespace {

using std::chrono::seconds;
using Why = ConnectionClosed::Why;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What was published of a connection: "opened", "hello", "closed 0".
std::vector<std::string> Story(const World& world) {
  std::vector<std::string> story;
  for (const RecordedEvent& event : world.record().events) {
    if (!event.result.ok()) continue;
    if (event.As<ConnectionOpened>() != nullptr) story.emplace_back("opened");
    if (const auto* data = event.As<DataReceived>()) story.push_back(data->data);
    if (const auto* closed = event.As<ConnectionClosed>()) {
      story.push_back("closed " + std::to_string(static_cast<int>(closed->why)) +
                      (closed->error == 0 ? "" : " " + std::to_string(closed->error)));
    }
  }
  return story;
}
std::string Closed(Why why) { return "closed " + std::to_string(static_cast<int>(why)); }

class FakeConnectionsTest : public ::testing::Test {
 protected:
  template <class F>
  void Listen(F listener, ListenerOptions options = {}) {
    subscriptions_.push_back(world.dispatcher().Subscribe(std::move(listener), std::move(options)));
  }
  void Echo(ListenerOptions options = {}) {
    Listen([this](const DataReceived& e) { connections.Write(e.connection, e.data); },
           std::move(options));
  }

  World world;
  FakeConnections connections{world, {.write_buffer_max = 10}};

 private:
  std::vector<Subscription> subscriptions_;
};

TEST_F(FakeConnectionsTest, AConnectionIsOpenedThenItsDataComesThenItIsClosed) {
  Echo();
  const ConnectionId peer = connections.Open("[::1]:40112");
  connections.Receive(peer, "hello");
  connections.ReceiveInPieces(peer, "world", 2);
  EXPECT_THAT(Story(world), IsEmpty()) << "each is a step";
  world.Run();
  EXPECT_THAT(Story(world), ElementsAre("opened", "hello", "wo", "rl", "d"));
  EXPECT_EQ(world.record().events.at(0).As<ConnectionOpened>()->peer, "[::1]:40112");
  EXPECT_EQ(connections.Written(peer), "helloworld");
  EXPECT_FALSE(connections.Ended(peer).has_value());
  connections.ClosePeer(peer);
  connections.Receive(peer, "too late");
  world.Run();
  EXPECT_THAT(Story(world), ElementsAre("opened", "hello", "wo", "rl", "d", Closed(Why::kPeer)));
  EXPECT_EQ(connections.Ended(peer)->why, Why::kPeer);
}

TEST_F(FakeConnectionsTest, EachEventStartsAStoryAndIsLinkedToTheOpening) {
  std::vector<EventId> ids;
  std::vector<EventId> links;
  const auto note = [&](const Envelope& envelope) {
    EXPECT_EQ(envelope.correlation_id(), envelope.id());
    EXPECT_FALSE(envelope.causation_id());
    EXPECT_EQ(envelope.baggage("tenant"), "");
    ids.push_back(envelope.id());
    links.insert(links.end(), envelope.links().begin(), envelope.links().end());
  };
  Listen([&](const ConnectionOpened&, Context& context) { note(context.envelope()); });
  Listen([&](const DataReceived&, Context& context) { note(context.envelope()); });
  Listen([&](const ConnectionClosed&, Context& context) { note(context.envelope()); });
  struct Visit {};
  Listen([&](const Visit&) {
    const ConnectionId peer = connections.Open();
    connections.Receive(peer, "x");
    connections.ClosePeer(peer);
  });
  ASSERT_TRUE(world.dispatcher().Publish(Visit{}, {.baggage = {{"tenant", "7"}}}));
  world.Run();
  ASSERT_EQ(ids.size(), 3U);
  EXPECT_THAT(links, ElementsAre(ids[0], ids[0]));
}

TEST_F(FakeConnectionsTest, AnIdIsNeverUsedAgain) {
  const ConnectionId first = connections.Open();
  connections.ClosePeer(first);
  world.Run();
  EXPECT_NE(connections.Open(), first);
}

TEST_F(FakeConnectionsTest, WhatIsWrittenBeforeAPeersEndIsSent) {
  connections.SetLatency(seconds(2));
  Listen([&](const DataReceived& e) { connections.Write(e.connection, "answer"); },
         {.run = Run::kInline});
  const ConnectionId peer = connections.Open();
  connections.Receive(peer, "x");
  connections.ClosePeer(peer);
  EXPECT_THAT(world.Run().waiting, ::testing::Contains("6 bytes to 127.0.0.1:40000, due in 2s"));
  EXPECT_FALSE(connections.Ended(peer).has_value());
  world.RunFor(seconds(2));
  EXPECT_EQ(connections.Written(peer), "answer");
  EXPECT_EQ(connections.Ended(peer)->why, Why::kPeer);
}

TEST_F(FakeConnectionsTest, CloseSendsWhatWasWrittenAndReadsNoMore) {
  const ConnectionId peer = connections.Open();
  world.Run();
  connections.SetLatency(seconds(1));
  connections.Write(peer, "bye");
  connections.Close(peer);
  connections.Write(peer, "not any more");
  world.Run();
  connections.Receive(peer, "nobody reads this");
  world.RunFor(seconds(1));
  EXPECT_EQ(connections.Written(peer), "bye");
  EXPECT_THAT(Story(world), ElementsAre("opened", Closed(Why::kLocal)));
  EXPECT_THAT(world.waiting(), IsEmpty());
}

TEST_F(FakeConnectionsTest, AbortLosesWhatWasNotSent) {
  const ConnectionId peer = connections.Open();
  world.Run();
  connections.SetLatency(seconds(1));
  connections.Write(peer, "bye");
  connections.Abort(peer);
  world.RunFor(seconds(1));
  EXPECT_EQ(connections.Written(peer), "");
  EXPECT_EQ(connections.Ended(peer)->why, Why::kLocal);
}

TEST_F(FakeConnectionsTest, OfAConnectionThatHasEndedNothingIsStillToCome) {
  const ConnectionId peer = connections.Open();
  world.Run();
  connections.SetLatency(seconds(1));
  connections.Write(peer, "bye");
  connections.Abort(peer);
  EXPECT_THAT(world.Run().waiting, ElementsAre());

  connections.SetLatency({});
  const ConnectionId other = connections.Open();
  world.Run();
  connections.Abort(other);
  connections.Receive(other, "too late");
  connections.Receive(other, "too late");
  EXPECT_TRUE(world.Step());
  EXPECT_EQ(connections.Ended(other)->why, Why::kLocal);
  EXPECT_THAT(world.waiting(), ElementsAre());
}

TEST_F(FakeConnectionsTest, WhileReadingIsPausedDataWaits) {
  const ConnectionId peer = connections.Open();
  world.Run();
  connections.PauseReading(peer);
  world.Run();
  connections.Receive(peer, "a");
  connections.ClosePeer(peer);
  world.Run();
  EXPECT_THAT(Story(world), ElementsAre("opened"));
  connections.ResumeReading(peer);
  world.Run();
  EXPECT_THAT(Story(world), ElementsAre("opened", "a", Closed(Why::kPeer)));
}

TEST_F(FakeConnectionsTest, ABreakComesAfterWhatCameBeforeItUnlessReadingIsPaused) {
  const ConnectionId reads = connections.Open();
  connections.Receive(reads, "a");
  connections.Break(reads, ECONNRESET);
  world.Run();
  const std::string broken = Closed(Why::kError) + " " + std::to_string(ECONNRESET);
  EXPECT_THAT(Story(world), ElementsAre("opened", "a", broken));

  const ConnectionId paused = connections.Open();
  world.Run();
  connections.PauseReading(paused);
  world.Run();
  connections.Receive(paused, "lost");
  connections.Break(paused, ECONNRESET);
  world.Run();
  EXPECT_THAT(Story(world), ElementsAre("opened", "a", broken, "opened", broken));
}

TEST_F(FakeConnectionsTest, APeerThatDoesNotReadIsCutOff) {
  const ConnectionId floods = connections.Open();
  const ConnectionId stands_still = connections.Open();
  world.Run();
  connections.StopReading(floods);
  connections.StopReading(stands_still);
  connections.Write(floods, "more than ten bytes");
  connections.Write(floods, "one more");
  connections.Write(stands_still, "x");
  connections.Close(stands_still);
  world.Run();
  EXPECT_EQ(connections.Ended(floods)->why, Why::kNotRead);
  EXPECT_FALSE(connections.Ended(stands_still).has_value());
  world.RunFor(seconds(30));
  EXPECT_EQ(connections.Ended(stands_still)->why, Why::kNotRead);
}

TEST_F(FakeConnectionsTest, APeerThatReadsOnGetsTheRest) {
  const ConnectionId peer = connections.Open();
  world.Run();
  connections.StopReading(peer);
  connections.Write(peer, "x");
  connections.Write(peer, "y");
  connections.Close(peer);
  world.RunFor(seconds(29));
  connections.ReadOn(peer);
  world.Run();
  EXPECT_EQ(connections.Written(peer), "xy");
  EXPECT_EQ(connections.Ended(peer)->why, Why::kLocal);
}

TEST_F(FakeConnectionsTest, TheNthWriteFails) {
  Echo();
  connections.FailNth(2, EPIPE);
  const ConnectionId peer = connections.Open();
  connections.ReceiveInPieces(peer, "ab", 1);
  world.Run();
  EXPECT_EQ(connections.Written(peer), "a");
  EXPECT_EQ(connections.Ended(peer)->why, Why::kError);
  EXPECT_EQ(connections.Ended(peer)->error, EPIPE);
}

TEST_F(FakeConnectionsTest, InAnInlineListenerItHappensAtOnceAndTheEndComesAfterTheData) {
  std::vector<std::string> seen;
  Listen(
      [&](const DataReceived& e) {
        connections.Write(e.connection, "bye");
        EXPECT_EQ(connections.Written(e.connection), "bye");
        connections.Abort(e.connection);
        seen.push_back(e.data);
      },
      {.run = Run::kInline});
  Listen([&](const ConnectionClosed&) { seen.emplace_back("closed"); }, {.run = Run::kInline});
  const ConnectionId peer = connections.Open();
  connections.ReceiveInPieces(peer, "ab", 1);
  world.Run();
  EXPECT_THAT(seen, ElementsAre("a", "closed"));
}

TEST_F(FakeConnectionsTest, WhatAFullQueueRefusesIsPublishedAgainAndNothingIsReadMeanwhile) {
  world.Tolerate({.losses = true});
  std::string seen;
  Listen([&](const DataReceived& e) { seen += e.data; },
         {.name = "slow", .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  world.faults().Delay("slow", Faults::kEvery, seconds(1));
  const ConnectionId peer = connections.Open();
  connections.ReceiveInPieces(peer, "abcd", 1);
  connections.ClosePeer(peer);
  world.RunFor(seconds(9));
  EXPECT_EQ(seen, "abcd");
  EXPECT_THAT(Story(world), ElementsAre("opened", "a", "b", "c", "d", Closed(Why::kPeer)));
}

TEST_F(FakeConnectionsTest, TheDestructorAbortsAlsoInsideAnEventOfItsOwn) {
  World other;
  auto own = std::make_unique<FakeConnections>(other);
  const Subscription end = other.dispatcher().Subscribe([&](const DataReceived&) { own.reset(); },
                                                        {.run = Run::kInline});
  const ConnectionId peer = own->Open();
  own->Open();
  own->ReceiveInPieces(peer, "ab", 1);
  other.Run();
  EXPECT_THAT(Story(other),
              ElementsAre("opened", "opened", "a", Closed(Why::kShutdown), Closed(Why::kShutdown)));
}

TEST_F(FakeConnectionsTest, AtTheShutdownOfTheDispatcherTheyCloseWithoutAWord) {
  const ConnectionId peer = connections.Open();
  world.Run();
  world.dispatcher().Shutdown(ShutdownMode::kDrain, seconds(0));
  world.Run();
  EXPECT_EQ(connections.Ended(peer)->why, Why::kShutdown);
  EXPECT_THAT(Story(world), ElementsAre("opened"));
}

TEST_F(FakeConnectionsTest, ToWhatIsGoneNothingHappens) {
  connections.Write({}, "x");
  connections.Close({7, 7});
  const ConnectionId peer = connections.Open();
  world.Run();
  connections.Abort(peer);
  connections.Abort(peer);
  connections.Write(peer, "x");
  world.Run();
  EXPECT_THAT(Story(world), ElementsAre("opened", Closed(Why::kLocal)));
}

TEST(FakeConnectionsExploreTest, ConnectionsGoOnInEveryOrderAndEachInItsOwn) {
  std::set<std::string> orders;
  const ExploreReport report = Explore({}, [&](World& world) {
    FakeConnections connections(world);
    const ConnectionId one = connections.Open();
    const ConnectionId two = connections.Open();
    connections.ReceiveInPieces(one, "ab", 1);
    connections.Receive(two, "x");
    world.Run();
    std::string order;
    for (const RecordedEvent& event : world.record().events) {
      if (const auto* data = event.As<DataReceived>()) order += data->data;
    }
    orders.insert(order);
  });
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete) << report.Describe();
  EXPECT_THAT(orders, ElementsAre("abx", "axb", "xab"));
}

TEST(FakeConnectionsExploreTest, AWriteMayFail) {
  std::set<std::string> seen;
  const ExploreReport report = Explore({}, [&](World& world) {
    FakeConnections connections(world);
    connections.MayFailNth(1, EPIPE);
    const ConnectionId peer = connections.Open();
    world.Run();
    connections.Write(peer, "x");
    world.Run();
    seen.insert(connections.Written(peer));
  });
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete) << report.Describe();
  EXPECT_THAT(seen, ElementsAre("", "x"));
}

TEST(FakeSignalsTest, ASignalIsAStepAndAStoryOfItsOwn) {
  World world({.tolerated = {.losses = true}});
  int seen = 0;
  const Subscription stop = world.dispatcher().Subscribe(
      [&](const SignalReceived& signal, Context& context) {
        EXPECT_FALSE(context.envelope().causation_id());
        seen += signal.signal;
      },
      {.name = "stop", .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  world.faults().Delay("stop", Faults::kEvery, seconds(1));
  Raise(world, SIGTERM);
  Raise(world, SIGTERM);
  EXPECT_THAT(world.waiting(), ElementsAre("signal 15", "signal 15"));
  world.RunFor(seconds(3));
  EXPECT_EQ(seen, 2 * SIGTERM) << "what is refused is published again";
}

}  // namespace
}  // namespace belfry::testing
