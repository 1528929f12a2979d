// How long a connection may take, and connections that a program opens itself: with sockets and in
// a world.

#include <gmock/gmock.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "testing/stream_contract.h"

namespace belfry::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class TimeContractTest : public StreamContractTest {};

TEST_P(TimeContractTest, AnIdleConnectionEnds) {
  Serve({.connections = {.idle_timeout = seconds(10)}});
  const auto peer = Open();
  for (int i = 0; i < 3; ++i) {
    Pass(seconds(9));
    SendAndRun(*peer, "x");
    Pass(seconds(9));
    told.last->Write("x");
    net->Run();
  }
  Pass(milliseconds(9990));
  EXPECT_EQ(told.closes, 0);
  Pass(milliseconds(20));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_P(TimeContractTest, APeerThatSaysNothingEndsUnlessItIsNotRead) {
  Serve({.connections = {.read_timeout = seconds(10)}});
  const auto peer = Open();
  told.last->PauseReading();
  Pass(seconds(100));
  told.last->ResumeReading();
  Pass(seconds(9));
  told.last->Write("does not count");
  net->Run();
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_P(TimeContractTest, ThePeersTimeBeginsAnewWhenItIsReadAgain) {
  Serve({.connections = {.write_buffer_max = 64 << 20,
                         .write_buffer_high = 1000,
                         .write_buffer_low = 100,
                         .read_timeout = seconds(10),
                         .write_timeout = {}}});
  const auto peer = Open();
  peer->StopReading();
  told.last->Write(std::string(16 << 20, 'x'));
  Pass(seconds(100));
  EXPECT_EQ(told.closes, 0);
  EXPECT_EQ(peer->Receive(16 << 20).size(), std::size_t{16} << 20);
  Pass(seconds(9));
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_P(TimeContractTest, APeerThatTakesNothingEndsAndOneThatTakesALittleDoesNot) {
  Serve({.connections = {.write_buffer_max = 64 << 20, .write_timeout = seconds(10)}});
  const auto peer = Open();
  peer->StopReading();
  told.last->Write(std::string(32 << 20, 'x'));
  net->Run();
  for (int i = 0; i < 3; ++i) {
    Pass(seconds(9));
    const std::size_t unsent = told.last->unsent();
    while (told.last->unsent() == unsent) ASSERT_NE(peer->Receive(65536), "");
  }
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(11));
  EXPECT_EQ(told.story.back(), "closed not read 0");
}

TEST_P(TimeContractTest, OneThatIsClosingMayBeIdleToo) {
  Serve({.connections = {
             .write_buffer_max = 64 << 20, .idle_timeout = seconds(10), .write_timeout = {}}});
  const auto peer = Open();
  peer->StopReading();
  told.last->Write(std::string(32 << 20, 'x'));
  told.last->Close();
  Pass(seconds(9));
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_P(TimeContractTest, ADeadlineEndsItWhateverComes) {
  Serve();
  const auto peer = Open();
  told.last->SetDeadline(seconds(5));
  for (int i = 0; i < 4; ++i) {
    Pass(seconds(1));
    SendAndRun(*peer, "slowly");
  }
  told.last->SetDeadline(seconds(5));
  Pass(seconds(4));
  told.last->SetDeadline(std::nullopt);
  Pass(seconds(100));
  EXPECT_EQ(told.closes, 0);
  told.last->SetDeadline(seconds(1));
  told.last->SetDeadline(milliseconds(1));
  Pass(milliseconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_P(TimeContractTest, ClosingHasItsTimeToo) {
  Serve();
  const auto peer = Open();
  told.last->Close();
  net->Run();
  EXPECT_EQ(peer->Receive(1), "");
  Pass(milliseconds(900));
  EXPECT_EQ(told.closes, 0);
  Pass(milliseconds(200));
  EXPECT_EQ(told.story.back(), "closed local 0");
}

TEST_P(TimeContractTest, WithoutLimitsNothingEndsIt) {
  Serve({.connections = {.write_timeout = {}, .connect_timeout = {}}});
  const auto peer = Open();
  Pass(std::chrono::hours(24 * 49));
  SendAndRun(*peer, "x");
  EXPECT_THAT(told.story, ElementsAre("opened", "data x"));
}

INSTANTIATE_TEST_SUITE_P(, TimeContractTest, BothStreamNets(), StreamNetName);

// --- Connector ---

class ConnectorContractTest : public StreamContractTest {
 protected:
  void SetUp() override { connector = net->MakeConnector({}); }
  ConnectionId Connect(const Endpoint& endpoint) {
    const auto id = connector->Connect(endpoint, told);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : ConnectionId{};
  }
};

TEST_P(ConnectorContractTest, WhatIsWrittenBeforeItIsOpenIsSentThen) {
  const ConnectionId id = Connect(net->Answering());
  connector->Find(id)->Write("early");
  EXPECT_THAT(told.story, ElementsAre());
  RunUntilTold(1);
  const auto peer = net->Accept();
  EXPECT_EQ(peer->Receive(5), "early");
  EXPECT_EQ(told.id, id);
  EXPECT_EQ(connector->Find(id), told.last);
  EXPECT_EQ(connector->connections(), 1U);
  peer->Send("answer");
  RunUntilTold(2);
  told.last->Close();
  net->Run();
  peer->End();
  RunUntilTold(3);
  EXPECT_THAT(told.story, ElementsAre("opened", "data answer", "closed local 0"));
  EXPECT_EQ(connector->Find(id), nullptr);
  EXPECT_EQ(connector->connections(), 0U);
}

TEST_P(ConnectorContractTest, WhatIsWrittenAndClosedBeforeItIsOpenIsSent) {
  const ConnectionId id = Connect(net->Answering());
  connector->Find(id)->Write("in a hurry");
  connector->Find(id)->Close();
  connector->Find(id)->Write("ignored");
  RunUntilTold(1);
  const auto peer = net->Accept();
  EXPECT_EQ(peer->Receive(100), "in a hurry");
  EXPECT_TRUE(peer->AtEnd());
}

TEST_P(ConnectorContractTest, TheEndMayBeToldBeforeItIsOpen) {
  connector->Find(Connect(net->Answering()))->EndWriting();
  RunUntilTold(1);
  const auto peer = net->Accept();
  EXPECT_EQ(peer->Receive(1), "");
  EXPECT_TRUE(peer->AtEnd());
  peer->Send("then good-bye");
  RunUntilTold(2);
  peer->End();
  RunUntilTold(3);
  EXPECT_THAT(told.story, ElementsAre("opened", "data then good-bye", "closed peer 0"));
}

// Two of ours could otherwise wait for each other.
TEST_P(ConnectorContractTest, OneOfOursIsReadThoughMuchIsUnsent) {
  connector = net->MakeConnector({.write_buffer_max = 64 << 20, .write_buffer_high = 1000});
  Connect(net->Answering());
  RunUntilTold(1);
  const auto peer = net->Accept();
  peer->StopReading();
  told.last->Write(std::string(32 << 20, 'x'));
  EXPECT_FALSE(told.last->writable());
  peer->Send("heard");
  RunUntilTold(2);
  EXPECT_EQ(told.story.back(), "data heard");
}

TEST_P(ConnectorContractTest, WhereNobodyListensItIsRefused) {
  Connect(net->Refusing());
  RunUntilTold(1);
  EXPECT_THAT(told.story, ElementsAre("closed error " + std::to_string(ECONNREFUSED)));
}

TEST_P(ConnectorContractTest, AnAnswerThatDoesNotComeIsWaitedForSoLong) {
  Connect(net->Silent());
  net->Run();
  Pass(seconds(29));
  EXPECT_THAT(told.story, ElementsAre());
  Pass(seconds(1));
  EXPECT_THAT(told.story, ElementsAre("closed timed out 0"));
}

TEST_P(ConnectorContractTest, AConnectionOnItsWayMayBeGivenUp) {
  connector->Find(Connect(net->Silent()))->Close();
  connector->Find(Connect(net->Refusing()))->Abort();
  EXPECT_THAT(told.story, ElementsAre());
  RunUntilTold(2);
  Connect(net->Refusing());
  connector.reset();
  EXPECT_THAT(told.story, ElementsAre("closed local 0", "closed local 0", "closed shutdown 0"));
}

TEST_P(ConnectorContractTest, WhoIsGoingOpensNoMore) {
  const Endpoint endpoint = net->Answering();
  Connect(endpoint);
  RunUntilTold(1);
  told.on_closed = [&, &going = *connector](Connection&) {
    EXPECT_EQ(going.Connect(endpoint, told).status().code(), absl::StatusCode::kFailedPrecondition);
  };
  connector.reset();
  EXPECT_THAT(told.story, ElementsAre("opened", "closed shutdown 0"));
}

INSTANTIATE_TEST_SUITE_P(, ConnectorContractTest, BothStreamNets(), StreamNetName);

}  // namespace
}  // namespace belfry::testing
