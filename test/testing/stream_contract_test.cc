// What Server does with sockets, FakeServer does in a world: what listeners hear, and when what is
// written is sent.

#include "testing/stream_contract.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace belfry::testing {
namespace {

using ::testing::ElementsAre;

class ServerContractTest : public StreamContractTest {};

TEST_P(ServerContractTest, AListenerHearsOfOpeningDataEndAndClosing) {
  told.echo = true;
  Serve();
  const auto peer = Open();
  SendAndRun(*peer, "hello");
  EXPECT_EQ(peer->Receive(5), "hello");
  peer->End();
  RunUntilTold(4);
  EXPECT_THAT(told.story, ElementsAre("opened", "data hello", "end", "closed peer 0"));
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_P(ServerContractTest, EachConnectionMayHaveAListenerOfItsOwnWhichGoesWithIt) {
  struct Own final : ConnectionListener {
    explicit Own(int& count) : alive(count) { ++alive; }
    ~Own() override { --alive; }
    void OnData(Connection& connection, std::string_view /*data*/) override { connection.Abort(); }
    int& alive;
  };
  int alive = 0;
  server = net->Listen([&] { return std::make_unique<Own>(alive); });
  const auto one = Open();
  const auto other = Open();
  EXPECT_EQ(alive, 2);
  one->Send("x");
  net->RunUntil([&] { return alive == 1; });
  server.reset();
  EXPECT_EQ(alive, 0);
}

TEST_P(ServerContractTest, WithoutAListenerAConnectionIsTurnedAway) {
  bool asked = false;
  server = net->Listen([&]() -> std::unique_ptr<ConnectionListener> {
    asked = true;
    return nullptr;
  });
  const auto peer = net->Open();
  net->RunUntil([&] { return asked; });
  EXPECT_EQ(peer->Receive(1), "");
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_P(ServerContractTest, AtMostSoManyAreOpenAndTheNextComesWhenOneHasGone) {
  Serve({.connections_max = 1});
  const auto one = Open();
  const auto other = net->Open();
  other->Send("from the other one");
  net->Run();
  EXPECT_THAT(told.story, ElementsAre("opened"));
  one->End();
  RunUntilTold(5);
  EXPECT_THAT(told.story,
              ElementsAre("opened", "end", "closed peer 0", "opened", "data from the other one"));
}

TEST_P(ServerContractTest, WhenItAcceptsNoMoreThoseThatAreOpenStay) {
  Serve();
  const auto peer = Open();
  server->StopAccepting();
  SendAndRun(*peer, "still here");
  EXPECT_EQ(server->connections(), 1U);
}

TEST_P(ServerContractTest, WhatIsWrittenInACallIsUnsentUntilItIsOver) {
  told.on_data = [](Connection& connection) {
    for (int i = 0; i < 100; ++i) connection.Write("x");
    EXPECT_EQ(connection.unsent(), 100U);
  };
  Serve();
  const auto peer = Open();
  SendAndRun(*peer, "go");
  EXPECT_EQ(told.last->unsent(), 0U);
  EXPECT_EQ(peer->Receive(100), std::string(100, 'x'));
}

TEST_P(ServerContractTest, FlushSendsAtOnce) {
  Serve();
  const auto peer = Open();
  told.last->Write("now");
  told.last->Flush();
  EXPECT_EQ(told.last->unsent(), 0U);
  EXPECT_EQ(peer->Receive(3), "now");
}

TEST_P(ServerContractTest, WhatIsWrittenBetweenTurnsIsSentByTheNextOne) {
  Serve();
  const auto peer = Open();
  told.last->Write("later");
  EXPECT_EQ(told.last->unsent(), 5U);
  net->Run();
  EXPECT_EQ(told.last->unsent(), 0U);
  EXPECT_EQ(peer->Receive(5), "later");
}

TEST_P(ServerContractTest, MuchIsSentAtOnceWithWhatCameBeforeIt) {
  Serve({.connections = {.write_buffer_high = 1000}});
  const auto peer = Open();
  told.last->Write("before");
  told.last->Write(std::string(20'000, 'x'));
  EXPECT_EQ(told.last->unsent(), 0U);
  EXPECT_TRUE(told.last->writable());
  EXPECT_EQ(peer->Receive(20'006), "before" + std::string(20'000, 'x'));
}

TEST_P(ServerContractTest, AReadTakesSoManyBytesAtMost) {
  Serve({.connections = {.read_bytes_max = 4}});
  const auto peer = Open();
  SendAndRun(*peer, "0123456789");
  EXPECT_THAT(told.story, ElementsAre("opened", "data 0123", "data 4567", "data 89"));
}

TEST_P(ServerContractTest, AfterThePeersEndItMayStillBeWrittenTo) {
  told.on_end = [](Connection&) {};
  Serve();
  const auto peer = Open();
  peer->End();
  RunUntilTold(2);
  told.last->Write("still here");
  EXPECT_EQ(peer->Receive(10), "still here");
  told.last->Close();
  RunUntilTold(3);
  EXPECT_TRUE(peer->AtEnd());
  EXPECT_THAT(told.story, ElementsAre("opened", "end", "closed peer 0"));
}

TEST_P(ServerContractTest, AfterItsOwnEndItIsStillReadFrom) {
  told.on_opened = [](Connection& connection) {
    connection.Write("all");
    connection.EndWriting();
    connection.Write("not sent");
    EXPECT_FALSE(connection.writable());
  };
  Serve();
  const auto peer = Open();
  EXPECT_EQ(peer->Receive(100), "all");
  EXPECT_TRUE(peer->AtEnd());
  SendAndRun(*peer, "answer");
  peer->End();
  RunUntilTold(3);
  EXPECT_THAT(told.story, ElementsAre("opened", "data answer", "closed peer 0"));
}

TEST_P(ServerContractTest, ACloseSendsWhatWasWrittenAndWaitsForThePeersEnd) {
  Serve();
  const auto peer = Open();
  told.last->Write("bye");
  told.last->Close();
  told.last->Write("too late");
  EXPECT_FALSE(told.last->writable());
  EXPECT_EQ(peer->Receive(100), "bye");
  EXPECT_TRUE(peer->AtEnd());
  peer->Send("thrown away");
  net->Run();
  EXPECT_THAT(told.story, ElementsAre("opened"));
  peer->End();
  RunUntilTold(2);
  EXPECT_THAT(told.story, ElementsAre("opened", "closed local 0"));
}

TEST_P(ServerContractTest, AResetIsAnErrorAlsoWhileItIsNotRead) {
  Serve();
  auto peer = Open();
  peer->Reset();
  RunUntilTold(2);
  peer = Open();
  told.last->PauseReading();
  peer->Send("lost");
  peer->Reset();
  RunUntilTold(4);
  const std::string reset = "closed error " + std::to_string(ECONNRESET);
  EXPECT_THAT(told.story, ElementsAre("opened", reset, "opened", reset));
}

TEST_P(ServerContractTest, WhatCameWhileReadingWasPausedComesLater) {
  told.on_opened = [](Connection& connection) { connection.PauseReading(); };
  Serve();
  const auto peer = Open();
  peer->Send("a");
  peer->End();
  net->Run();
  EXPECT_THAT(told.story, ElementsAre("opened"));
  told.last->ResumeReading();
  RunUntilTold(4);
  EXPECT_THAT(told.story, ElementsAre("opened", "data a", "end", "closed peer 0"));
}

TEST_P(ServerContractTest, ReadingMayPauseInsideACallAndTheEndWaits) {
  told.on_data = [](Connection& connection) { connection.PauseReading(); };
  Serve();
  const auto peer = Open();
  SendAndRun(*peer, "a");
  peer->End();
  net->Run();
  EXPECT_THAT(told.story, ElementsAre("opened", "data a"));
  told.last->ResumeReading();
  RunUntilTold(4);
  EXPECT_THAT(told.story, ElementsAre("opened", "data a", "end", "closed peer 0"));
}

TEST_P(ServerContractTest, ItIsWritableAgainBelowTheLowMarkAndNotReadMeanwhile) {
  Serve({.connections = {.write_buffer_max = 64 << 20,
                         .write_buffer_high = 100'000,
                         .write_buffer_low = 50'000}});
  const auto peer = Open();
  peer->StopReading();
  EXPECT_TRUE(told.last->writable());
  told.last->Write(std::string(32 << 20, 'x'));
  EXPECT_FALSE(told.last->writable());
  peer->Send("unheard");
  net->Run();
  EXPECT_THAT(told.story, ElementsAre("opened"));
  while (told.story.size() < 2) ASSERT_NE(peer->Receive(40'000), "");
  EXPECT_THAT(told.story[1], "writable");
  EXPECT_TRUE(told.last->writable());
  EXPECT_LE(told.last->unsent(), 50'000U);
  RunUntilTold(3);
  EXPECT_EQ(told.story[2], "data unheard");
}

TEST_P(ServerContractTest, ItIsNotToldWritableWhenItIsNotAnyMore) {
  told.on_writable = [](Connection& connection) { EXPECT_TRUE(connection.writable()); };
  Serve({.connections = {
             .write_buffer_max = 64 << 20, .write_buffer_high = 1000, .write_buffer_low = 100}});
  const auto peer = Open();
  peer->StopReading();
  told.last->Write(std::string(2000, 'x'));
  EXPECT_FALSE(told.last->writable());
  told.last->Write(std::string(32 << 20, 'x'));
  net->Run();
  EXPECT_THAT(told.story, ElementsAre("opened"));
}

TEST_P(ServerContractTest, WhoDoesNotReadIsCutOff) {
  Serve({.connections = {.write_buffer_max = 1 << 20}});
  const auto peer = Open();
  peer->StopReading();
  told.last->Write(std::string(32 << 20, 'x'));
  net->Run();
  EXPECT_THAT(told.story, ElementsAre("opened")) << "a single one may be larger";
  told.last->Write("x");
  RunUntilTold(2);
  EXPECT_THAT(told.story, ElementsAre("opened", "closed not read 0"));
}

TEST_P(ServerContractTest, AllConnectionsTogetherKeepNoMoreThanTheyMay) {
  Serve({.connections = {.write_buffers_max = 30 << 20}});
  const auto one = Open();
  const auto other = Open();
  one->StopReading();
  other->StopReading();
  for (int i = 0; i < 2; ++i) {
    server->ForEach([](Connection& connection) { connection.Write(std::string(24 << 20, 'x')); });
  }
  RunUntilTold(3);
  EXPECT_EQ(told.story[2], "closed not read 0");
}

TEST_P(ServerContractTest, DeferredWorkRunsOnALaterTurnWhileTheConnectionIsThere) {
  std::vector<std::string> order;
  told.on_data = [&](Connection& connection) {
    connection.Defer([&](Connection& same) {
      EXPECT_EQ(&same, told.last);
      order.emplace_back("deferred");
      same.Write("deferred");
    });
    order.emplace_back("data");
  };
  Serve();
  const auto peer = Open();
  SendAndRun(*peer, "x");
  EXPECT_THAT(order, ElementsAre("data", "deferred"));
  EXPECT_EQ(peer->Receive(8), "deferred");
  int late = 0;
  told.last->Defer([&](Connection&) { ++late; });
  told.last->Abort();
  server->Defer(told.id, [&](Connection&) { ++late; });
  net->Run();
  EXPECT_EQ(late, 0);
}

INSTANTIATE_TEST_SUITE_P(, ServerContractTest, BothStreamNets(), StreamNetName);

}  // namespace
}  // namespace belfry::testing
