// Peers of FakeServer and FakeConnector: what they do, what they see, and every order of it.

#include "belfry/testing/fake_server.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest-spi.h>

#include "belfry/framing.h"
#include "belfry/testing/explore.h"
#include "belfry/testing/fake_connector.h"
#include "belfry/testing/world.h"
#include "belfry/timer.h"
#include "io/told.h"

namespace belfry::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Why = ConnectionClosed::Why;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeServerTest : public ::testing::Test {
 protected:
  World world;
  Told told;
  FakeServer server{world, told, {.connections = {.write_buffer_high = 10}}};
};

TEST_F(FakeServerTest, WhatAPeerDoesIsToldStepByStep) {
  FakePeer peer = server.Open("10.0.0.7:1234");
  peer.SendInPieces("hello", 3);
  peer.End();
  EXPECT_THAT(world.waiting(), ElementsAre("10.0.0.7:1234 connects"));
  EXPECT_EQ(peer.connection(), nullptr);
  EXPECT_TRUE(world.Step());
  EXPECT_THAT(told.story, ElementsAre("opened"));
  EXPECT_EQ(peer.connection(), told.last);
  EXPECT_EQ(told.last->peer(), "10.0.0.7:1234");
  EXPECT_THAT(world.waiting(), ElementsAre("something of 10.0.0.7:1234"));
  world.Run();
  EXPECT_THAT(told.story, ElementsAre("opened", "data hel", "data lo", "end", "closed peer 0"));
  EXPECT_EQ(peer.connection(), nullptr);
  EXPECT_EQ(peer.ended()->why, Why::kPeer);
  EXPECT_THAT(world.waiting(), IsEmpty());
}

TEST_F(FakeServerTest, WhatTheProgramDoesIsSeenByThePeer) {
  FakePeer peer = server.Open();
  world.Run();
  told.last->Write("hello");
  EXPECT_EQ(peer.received(), "");
  EXPECT_EQ(peer.unsent(), "hello");
  told.last->Flush();
  EXPECT_EQ(peer.received(), "hello");
  EXPECT_EQ(peer.unsent(), "");
  told.last->PauseReading();
  EXPECT_TRUE(peer.paused());
  told.last->ResumeReading();
  EXPECT_FALSE(peer.paused());
  told.last->Defer([](Connection&) {});
  EXPECT_EQ(peer.deferred(), 1U);
  world.Run();
  EXPECT_EQ(peer.deferred(), 0U);
  EXPECT_FALSE(peer.told_end());
  told.last->EndWriting();
  EXPECT_TRUE(peer.told_end());
  EXPECT_FALSE(peer.ended().has_value());
  told.last->Abort();
  EXPECT_EQ(peer.ended()->why, Why::kLocal);
  EXPECT_THAT(told.story, ElementsAre("opened")) << "told at the end of the turn";
  world.Run();
  EXPECT_THAT(told.story, ElementsAre("opened", "closed local 0"));
}

TEST_F(FakeServerTest, APeerEndsItsWayWhenItIsClosedUnlessItStaysOpen) {
  server.Open();
  world.Run();
  told.last->Close();
  world.Run();
  EXPECT_EQ(told.closes, 1);
  FakePeer stays = server.Open();
  stays.StayOpen();
  world.Run();
  told.last->Close();
  world.Run();
  EXPECT_EQ(told.closes, 1);
  world.RunFor(seconds(1));
  EXPECT_EQ(told.closes, 2);
}

TEST_F(FakeServerTest, APeerThatDoesNotReadTakesNothingUntilItReadsOn) {
  FakePeer peer = server.Open();
  world.Run();
  peer.StopReading();
  told.last->Write("0123456789a");
  world.Run();
  EXPECT_EQ(peer.received(), "");
  EXPECT_FALSE(told.last->writable());
  peer.Read(4);
  EXPECT_THAT(world.waiting().at(0), "127.0.0.1:40000 reads on");
  world.Run();
  EXPECT_EQ(peer.received(), "0123");
  peer.ReadOn();
  world.Run();
  EXPECT_EQ(peer.received(), "0123456789a");
  EXPECT_THAT(told.story, ElementsAre("opened", "writable"));
}

TEST_F(FakeServerTest, OfWhatIsNotWantedAnyMoreNothingIsStillToCome) {
  FakePeer peer = server.Open();
  world.Run();
  peer.Send("x");
  told.last->PauseReading();
  EXPECT_THAT(world.waiting(), IsEmpty());
  told.last->ResumeReading();
  EXPECT_THAT(world.waiting(), ElementsAre("something of 127.0.0.1:40000"));
  told.last->Abort();
  EXPECT_THAT(world.waiting(), ElementsAre("a turn of the loop"));
  peer.Send("too late");
  peer.End();
  peer.Break(ECONNRESET);
  peer.ReadOn();
  world.Run();
  EXPECT_THAT(told.story, ElementsAre("opened", "closed local 0"));
}

TEST_F(FakeServerTest, ABreakOvertakesWhatWasSentOnlyWhereItIsNotRead) {
  FakePeer peer = server.Open();
  peer.Send("a");
  peer.Break(EHOSTUNREACH);
  world.Run();
  EXPECT_THAT(told.story,
              ElementsAre("opened", "data a", "closed error " + std::to_string(EHOSTUNREACH)));
  EXPECT_EQ(peer.ended()->error, EHOSTUNREACH);
}

TEST_F(FakeServerTest, WhoComesWhenItHasStoppedIsRefused) {
  FakePeer coming = server.Open();
  server.StopAccepting();
  EXPECT_TRUE(coming.refused());
  EXPECT_TRUE(server.Open().refused());
  world.Run();
  EXPECT_THAT(told.story, IsEmpty());
}

TEST_F(FakeServerTest, APeerMayBeLookedAtWhenTheServerHasGone) {
  auto other = std::make_unique<FakeServer>(world, told);
  FakePeer peer = other->Open();
  world.Run();
  told.last->Write("x");
  told.last->Flush();
  other.reset();
  EXPECT_EQ(peer.received(), "x");
  EXPECT_EQ(peer.ended()->why, Why::kShutdown);
  peer.Send("nobody is there");
  world.Run();
  EXPECT_THAT(told.story, ElementsAre("opened", "closed shutdown 0"));
}

// A session with a time-out of its own, and lines.
class Session final : public ConnectionListener {
 public:
  explicit Session(EventLoop& loop)
      : silent_(loop, *this, [](Session& self) { self.connection_->Write("are you there?\n"); }) {}
  void OnOpened(Connection& connection) override {
    connection_ = &connection;
    silent_.Arm(seconds(20));
  }
  void OnData(Connection& connection, std::string_view data) override {
    silent_.Arm(seconds(20));
    const auto fed = lines_.Feed(
        data, [&](std::string_view line) { connection.Write(std::string(line) + "!\n"); });
    if (!fed.ok()) connection.Abort();
  }

 private:
  Connection* connection_ = nullptr;
  LineFraming lines_{{.bytes_max = 100}};
  Timer silent_;
};

TEST(FakeServerInTimeTest, TimersAndFramingsOfListenersAreReal) {
  World world;
  FakeServer server(world, [&] { return std::make_unique<Session>(world.loop()); },
                    {.connections = {.idle_timeout = seconds(30)}});
  FakePeer peer = server.Open();
  peer.SendInPieces("hello\nwor", 2);
  world.Run();
  EXPECT_EQ(peer.received(), "hello!\n");
  world.RunFor(seconds(20));
  EXPECT_EQ(peer.received(), "hello!\nare you there?\n");
  world.RunFor(seconds(29));
  EXPECT_FALSE(peer.ended().has_value());
  world.RunFor(seconds(1));
  EXPECT_EQ(peer.ended()->why, Why::kTimedOut);
}

TEST(FakeServerExploreTest, PeersComeInEveryOrderAndEachInItsOwn) {
  std::set<std::vector<std::string>> stories;
  const ExploreReport report = Explore({}, [&](World& world) {
    Told told;
    FakeServer server(world, told);
    FakePeer one = server.Open("one");
    FakePeer other = server.Open("other");
    world.Run();
    one.Send("a");
    one.Send("b");
    other.Send("x");
    world.Run();
    stories.insert(told.story);
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete);
  EXPECT_EQ(stories.size(), 3U);
}

// --- FakeConnector ---

class FakeConnectorTest : public ::testing::Test {
 protected:
  ConnectionId Connect() {
    const auto id = connector.Connect(*Endpoint::Parse("[::1]:7000"), told);
    EXPECT_TRUE(id.ok()) << id.status();
    return *id;
  }

  World world;
  Told told;
  FakeConnector connector{world};
};

TEST_F(FakeConnectorTest, AnEndpointAnswersWhenTheTestSaysSo) {
  connector.Silence("[::1]:7000");
  Connect();
  EXPECT_EQ(world.Run().waiting.size(), 1U) << "the time-out";
  EXPECT_THAT(told.story, IsEmpty());
  connector.Answer("[0::1]:7000");
  EXPECT_EQ(world.waiting().at(0), "[::1]:7000 answers");
  world.Run();
  EXPECT_THAT(told.story, ElementsAre("opened"));
  told.last->Write("hello");
  told.last->Flush();
  ASSERT_EQ(connector.Peers("[::1]:7000").size(), 1U);
  EXPECT_EQ(connector.Peers("[::1]:7000")[0].received(), "hello");
}

TEST_F(FakeConnectorTest, AnEndpointThatNobodyNamedRefuses) {
  Connect();
  world.Run();
  EXPECT_THAT(told.story, ElementsAre("closed error " + std::to_string(ECONNREFUSED)));
  connector.Refuse("[::1]:7000", EHOSTUNREACH);
  Connect();
  world.Run();
  EXPECT_EQ(told.story.back(), "closed error " + std::to_string(EHOSTUNREACH));
  EXPECT_EQ(connector.connections(), 0U);
}

TEST_F(FakeConnectorTest, ConnectMayFailAtOnce) {
  connector.FailAtOnce("[::1]:7000", absl::ResourceExhaustedError("no descriptors"));
  const auto id = connector.Connect(*Endpoint::Parse("[::1]:7000"), told);
  EXPECT_EQ(id.status().message(), "no descriptors");
  EXPECT_THAT(connector.Peers("[::1]:7000"), IsEmpty());
  EXPECT_THAT(world.waiting(), IsEmpty());
}

TEST_F(FakeConnectorTest, WhatIsAdoptedIsOpenAtTheEndOfTheTurn) {
  ASSERT_TRUE(connector.Adopt(7, told).ok());
  EXPECT_THAT(told.story, IsEmpty());
  connector.Adopted(7).Send("x");
  world.Run();
  EXPECT_THAT(told.story, ElementsAre("opened", "data x"));
}

TEST_F(FakeConnectorTest, WhatDoesNotExistFailsTheTest) {
  EXPECT_NONFATAL_FAILURE(connector.Answer("nowhere"), "nowhere");
  EXPECT_NONFATAL_FAILURE(connector.Adopted(8), "descriptor 8 was not adopted");
}

// The answer and the time-out cross.
TEST(FakeConnectorExploreTest, AnAnswerMayComeBeforeOrAfterTheTimeOut) {
  std::set<std::vector<std::string>> stories;
  const ExploreReport report = Explore({}, [&](World& world) {
    Told told;
    FakeConnector connector(world, {.connect_timeout = milliseconds(10)});
    connector.Silence("10.0.0.9:7000");
    EXPECT_TRUE(connector.Connect(*Endpoint::Parse("10.0.0.9:7000"), told).ok());
    world.Advance(milliseconds(10));
    connector.Answer("10.0.0.9:7000");
    world.Run();
    stories.insert(told.story);
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_THAT(stories, ::testing::UnorderedElementsAre(ElementsAre("opened"),
                                                       ElementsAre("closed timed out 0")));
}

}  // namespace
}  // namespace belfry::testing
