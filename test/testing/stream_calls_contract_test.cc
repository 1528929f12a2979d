// What listeners may do inside their calls: with sockets and in a world.

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "testing/stream_contract.h"

namespace belfry::testing {
namespace {

using ::testing::ElementsAre;

class CallsContractTest : public StreamContractTest {};

TEST_P(CallsContractTest, AListenerIsNeverCalledFromInsideItsOwnCalls) {
  int inside = 0;
  const auto check = [&](Connection& connection) {
    EXPECT_EQ(inside, 0);
    ++inside;
    connection.Write(std::string(100'000, 'x'));
    connection.Flush();
    connection.Abort();
    connection.Write("y");
    connection.Close();
    --inside;
  };
  told.on_opened = told.on_data = told.on_writable = told.on_closed = check;
  Serve({.connections = {.write_buffer_high = 1}});
  const auto peer = net->Open();
  RunUntilTold(2);
  EXPECT_THAT(told.story, ElementsAre("opened", "closed local 0"));
}

TEST_P(CallsContractTest, WhatIsAskedOfAConnectionThatHasEndedDoesNothing) {
  told.on_data = [](Connection& connection) {
    connection.Write("x");
    connection.Abort();
    connection.SetDeadline(std::chrono::milliseconds(1));
    connection.PauseReading();
    connection.ResumeReading();
    connection.EndWriting();
    connection.Close();
    connection.Write("x");
    connection.Flush();
    EXPECT_EQ(connection.unsent(), 0U);
    EXPECT_FALSE(connection.writable());
    EXPECT_EQ(connection.peer(), "");
  };
  Serve();
  const auto peer = Open();
  peer->Send("x");
  RunUntilTold(3);
  EXPECT_THAT(told.story, ElementsAre("opened", "data x", "closed local 0"));
  Pass(std::chrono::hours(1));
}

TEST_P(CallsContractTest, TheServerMayGoInsideAnyOfItsListenersCalls) {
  for (int which = 0; which < 4; ++which) {
    told = Told();
    const auto destroy = [&](Connection&) { server.reset(); };
    (which == 0   ? told.on_opened
     : which == 1 ? told.on_data
     : which == 2 ? told.on_end
                  : told.on_closed) = destroy;
    Serve();
    const auto other = net->Open();
    const auto peer = net->Open();
    peer->Send("x");
    peer->End();
    net->RunUntil([&] { return server == nullptr; });
    EXPECT_EQ(static_cast<int>(std::count(told.story.begin(), told.story.end(), "opened")),
              told.closes);
  }
}

TEST_P(CallsContractTest, OutsideATurnItsEndIsToldAtOnce) {
  Serve();
  const auto peer = Open();
  told.last->Write("not sent any more");
  server.reset();
  EXPECT_THAT(told.story, ElementsAre("opened", "closed shutdown 0"));
}

TEST_P(CallsContractTest, CloseAllSendsWhatIsLeft) {
  Serve();
  const auto peer = Open();
  told.last->Write("goodbye");
  server->CloseAll();
  EXPECT_EQ(peer->Receive(100), "goodbye");
  EXPECT_TRUE(peer->AtEnd());
  peer->End();
  RunUntilTold(2);
  EXPECT_THAT(told.story, ElementsAre("opened", "closed shutdown 0"));
}

TEST_P(CallsContractTest, WhatAListenerThrowsPassesThroughAndNothingIsLost) {
  told.on_data = [](Connection& connection) {
    connection.Write("before");
    throw std::runtime_error("oops");
  };
  Serve();
  const auto peer = Open();
  peer->Send("x");
  EXPECT_THROW(RunUntilTold(1000), std::runtime_error);
  EXPECT_EQ(peer->Receive(6), "before");
  told.on_data = nullptr;
  SendAndRun(*peer, "y");
  told.on_closed = [](Connection&) { throw std::runtime_error("at the end"); };
  told.last->Abort();
  EXPECT_THROW(RunUntilTold(1000), std::runtime_error);
  EXPECT_EQ(server->connections(), 0U);
  net->Run();
  EXPECT_EQ(told.closes, 1);
}

TEST_P(CallsContractTest, AServerThatGoesInATurnTellsAllThoughOneThrows) {
  Serve();
  std::vector<std::unique_ptr<StreamPeer>> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(Open());
  told.on_closed = [&](Connection&) {
    if (told.closes == 1) throw std::runtime_error("at the end");
  };
  net->loop().Post([this] { server.reset(); });
  EXPECT_THROW(net->Run(), std::runtime_error);
  net->Run();
  EXPECT_EQ(told.closes, 3);
}

INSTANTIATE_TEST_SUITE_P(, CallsContractTest, BothStreamNets(), StreamNetName);

}  // namespace
}  // namespace belfry::testing
