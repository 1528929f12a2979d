// What connections' listeners may do: anything, from inside any of their calls.

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "io/stream_fixture.h"

namespace belfry {
namespace {

using testing::ElementsAre;

class ListenerCallsTest : public StreamTest {};

// Nothing is told from inside of what a listener calls.
TEST_F(ListenerCallsTest, AListenerIsNeverCalledFromInsideItsOwnCalls) {
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
  const Client client(server->endpoint().port());
  RunUntilTold(2);
  EXPECT_THAT(told.story, ElementsAre("opened", "closed local 0"));
}

TEST_F(ListenerCallsTest, WhatIsAskedOfAConnectionThatHasEndedDoesNothing) {
  told.on_data = [](Connection& connection) {
    connection.Write(std::string(32 << 20, 'x'));  // more than the system takes
    connection.Flush();
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
  const Client client = Open();
  client.Send("x");
  RunUntilTold(3);
  EXPECT_EQ(told.story.back(), "closed local 0");
  clock.Advance(std::chrono::hours(1));
  Run();
}

TEST_F(ListenerCallsTest, TheServerMayGoInsideAnyOfItsListenersCalls) {
  for (int which = 0; which < 4; ++which) {
    told = Told();
    const auto destroy = [&](Connection&) { server.reset(); };
    (which == 0   ? told.on_opened
     : which == 1 ? told.on_data
     : which == 2 ? told.on_end
                  : told.on_closed) = destroy;
    Serve();
    const Client other(server->endpoint().port());
    const Client client(server->endpoint().port());
    client.Send("x");
    client.EndSending();
    RunUntil([&] { return server == nullptr; });
    Run();
    EXPECT_EQ(static_cast<int>(std::count(told.story.begin(), told.story.end(), "opened")),
              told.closes);
  }
}

TEST_F(ListenerCallsTest, OutsideATurnItsEndIsToldAtOnce) {
  Serve();
  const Client client = Open();
  told.last->Write("not sent any more");
  server.reset();
  EXPECT_THAT(told.story, ElementsAre("opened", "closed shutdown 0"));
}

TEST_F(ListenerCallsTest, CloseAllSendsWhatIsLeft) {
  Serve();
  const Client client = Open();
  told.last->Write("goodbye");
  server->CloseAll();
  Run();
  EXPECT_EQ(client.ReceiveAll(), "goodbye");
}

TEST_F(ListenerCallsTest, WhatAListenerThrowsPassesThroughRunAndNothingIsLost) {
  told.on_data = [](Connection& connection) {
    connection.Write("before");
    throw std::runtime_error("oops");
  };
  Serve();
  const Client client = Open();
  client.Send("x");
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) loop->RunOnce(std::chrono::milliseconds(1));
      },
      std::runtime_error);
  Run();
  EXPECT_EQ(client.Receive(6), "before");
  told.on_data = nullptr;
  client.Send("y");
  RunUntilTold(3);
  told.on_closed = [](Connection&) { throw std::runtime_error("at the end"); };
  told.last->Abort();
  EXPECT_THROW(loop->RunOnce(), std::runtime_error);
  EXPECT_EQ(server->connections(), 0U);
  Run();
}

TEST_F(ListenerCallsTest, WhatOpeningThrowsLosesNothingThatWasWritten) {
  told.on_opened = [](Connection& connection) {
    connection.Write("before");
    throw std::system_error(EIO, std::generic_category());
  };
  int accept_failures = 0;
  Serve({.accept_failed = [&](int) { ++accept_failures; }});
  const Client client(server->endpoint().port());
  EXPECT_THROW(RunUntilTold(1000), std::system_error);
  Run();
  EXPECT_EQ(client.Receive(6), "before");
  EXPECT_EQ(accept_failures, 0);
}

TEST_F(ListenerCallsTest, AServerThatGoesInATurnTellsAllThoughOneThrows) {
  Serve();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(Open());
  told.on_closed = [&](Connection&) {
    if (told.closes == 1) throw std::runtime_error("at the end");
  };
  loop->RunAfter({}, [this] { server.reset(); });
  EXPECT_THROW(RunUntil([] { return false; }), std::runtime_error);
  Run();
  EXPECT_EQ(told.closes, 3);
}

}  // namespace
}  // namespace belfry
