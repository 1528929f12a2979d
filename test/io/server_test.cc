// Servers by listeners of their connections.

#include "belfry/server.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "faults.h"
#include "io/stream_fixture.h"

namespace belfry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ServerTest : public StreamTest {};

TEST_F(ServerTest, AListenerHearsOfOpeningDataEndAndClosing) {
  told.echo = true;
  Serve();
  const Client client = Open();
  client.Send("hello");
  RunUntilTold(2);
  EXPECT_EQ(client.Receive(5), "hello");
  client.EndSending();
  RunUntilTold(4);
  EXPECT_THAT(told.story, ElementsAre("opened", "data hello", "end", "closed peer 0"));
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerTest, EachConnectionMayHaveAListenerOfItsOwnWhichGoesWithIt) {
  struct Own final : ConnectionListener {
    explicit Own(int& count) : alive(count) { ++alive; }
    ~Own() override { --alive; }
    void OnData(Connection& connection, std::string_view data) override {
      said += data;
      connection.Write(said);
    }
    int& alive;
    std::string said;
  };
  int alive = 0;
  auto made = Server::Listen(*loop, *Endpoint::Parse("127.0.0.1:0"),
                             [&] { return std::make_unique<Own>(alive); });
  ASSERT_TRUE(made.ok());
  server = *std::move(made);
  {
    const Client one = Open();
    const Client two = Open();
    EXPECT_EQ(alive, 2);
    one.Send("a");
    two.Send("x");
    Run(20);
    one.Send("b");
    Run(20);
    EXPECT_EQ(one.Receive(3), "aab");
    EXPECT_EQ(two.Receive(1), "x");
  }
  RunUntil([&] { return alive == 0; });
}

TEST_F(ServerTest, WithoutAListenerAConnectionIsTurnedAway) {
  auto made = Server::Listen(*loop, *Endpoint::Parse("127.0.0.1:0"),
                             []() -> std::unique_ptr<ConnectionListener> { return nullptr; });
  ASSERT_TRUE(made.ok());
  server = *std::move(made);
  const Client client(server->endpoint().port());
  Run(20);
  EXPECT_EQ(client.ReceiveAll(), "");
}

// However many writes: one system call.
TEST_F(ServerTest, TheWritesOfATurnAreSentOnce) {
  told.on_data = [](Connection& connection) {
    for (int i = 0; i < 100; ++i) connection.Write(std::to_string(i % 10));
    EXPECT_EQ(connection.unsent(), 100U);
  };
  Serve();
  const Client client = Open();
  client.Send("go");
  const FailNth count(sys::Call::kSend, 0, 0);
  RunUntilTold(2);
  EXPECT_EQ(client.Receive(100).size(), 100U);
  EXPECT_EQ(count.calls(), 1);
}

TEST_F(ServerTest, WritesToOthersAndFromTimersAreSentOnceAtTheEndOfTheTurn) {
  Serve();
  const Client one = Open();
  const Client two = Open();
  const FailNth count(sys::Call::kSend, 0, 0);
  loop->RunAfter({}, [&] {
    for (int i = 0; i < 10; ++i) {
      server->ForEach([](Connection& connection) { connection.Write("x"); });
    }
  });
  RunUntil([&] { return count.calls() == 2; });
  EXPECT_EQ(one.Receive(10), std::string(10, 'x'));
  EXPECT_EQ(two.Receive(10), std::string(10, 'x'));
  Run();
  EXPECT_EQ(count.calls(), 2);
}

TEST_F(ServerTest, FlushSendsAtOnce) {
  Serve();
  const Client client = Open();
  told.last->Write("now");
  told.last->Flush();
  EXPECT_EQ(told.last->unsent(), 0U);
  EXPECT_EQ(client.Receive(3), "now");
}

TEST_F(ServerTest, WhatIsWrittenBetweenTurnsIsSentByTheNextOne) {
  Serve();
  const Client client = Open();
  told.last->Write("later");
  EXPECT_EQ(told.last->unsent(), 5U);
  loop->RunOnce();
  EXPECT_EQ(client.Receive(5), "later");
}

// Half-close, from either side.
TEST_F(ServerTest, AfterThePeersEndItMayStillBeWrittenTo) {
  told.on_end = [](Connection&) {};
  Serve();
  const Client client = Open();
  client.EndSending();
  RunUntilTold(2);
  Run(20);
  told.last->Write("still here");
  Run();
  EXPECT_EQ(client.Receive(10), "still here");
  told.last->Close();
  RunUntilTold(3);
  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_THAT(told.story, ElementsAre("opened", "end", "closed peer 0"));
}

TEST_F(ServerTest, AfterItsOwnEndItIsStillReadFrom) {
  told.on_opened = [](Connection& connection) {
    connection.Write("all");
    connection.EndWriting();
    connection.Write("not sent");
    EXPECT_FALSE(connection.writable());
  };
  Serve();
  const Client client = Open();
  Run(20);
  EXPECT_EQ(client.ReceiveAll(), "all");
  client.Send("answer");
  RunUntilTold(2);
  client.EndSending();
  RunUntilTold(3);
  EXPECT_THAT(told.story, ElementsAre("opened", "data answer", "closed peer 0"));
}

TEST_F(ServerTest, ItIsWritableAgainBelowTheLowMarkAndNotReadMeanwhile) {
  Serve({.connections = {.write_buffer_max = 64 << 20,
                         .write_buffer_high = 100'000,
                         .write_buffer_low = 50'000}});
  const Client client = Open();
  EXPECT_TRUE(told.last->writable());
  told.last->Write(std::string(32 << 20, 'x'));
  EXPECT_FALSE(told.last->writable());
  client.Send("unheard");
  Run(20);
  EXPECT_THAT(told.story, ElementsAre("opened"));
  std::size_t got = 0;
  while (told.story.size() < 2 && got < (32U << 20)) {
    got += client.ReceiveSome().size();
    loop->RunOnce();
  }
  EXPECT_THAT(told.story[1], "writable");
  EXPECT_TRUE(told.last->writable());
  EXPECT_LE(told.last->unsent(), 50'000U);
  std::thread reader([&] { client.Receive((32U << 20) - got); });
  RunUntilTold(3);
  EXPECT_EQ(told.story[2], "data unheard");
  RunUntil([&] { return told.last->unsent() == 0; });
  reader.join();
}

TEST_F(ServerTest, AllConnectionsTogetherKeepNoMoreThanTheyMay) {
  Serve({.connections = {.write_buffers_max = 10 << 20}});
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(Open());
  for (int i = 0; i < 2; ++i) {
    server->ForEach([](Connection& connection) { connection.Write(std::string(8 << 20, 'x')); });
  }
  RunUntil([&] { return told.closes > 0; });
  EXPECT_EQ(told.story.back(), "closed not read 0");
}

TEST_F(ServerTest, DeferredWorkRunsOnTheLoopWhileTheConnectionIsThere) {
  Serve();
  Client client = Open();
  std::thread::id ran;
  std::thread([&] {
    server->Defer(told.id, [&](Connection& connection) {
      ran = std::this_thread::get_id();
      connection.Write("deferred");
    });
  }).join();
  RunUntil([&] { return ran != std::thread::id(); });
  EXPECT_EQ(ran, std::this_thread::get_id());
  EXPECT_EQ(client.Receive(8), "deferred");
  int late = 0;
  told.last->Defer([&](Connection&) { ++late; });
  told.last->Abort();
  server->Defer(told.id, [&](Connection&) { ++late; });
  Run();
  EXPECT_EQ(late, 0);
}

TEST_F(ServerTest, ItIsNotToldWritableWhenItIsNotAnyMore) {
  told.on_writable = [](Connection& connection) { EXPECT_TRUE(connection.writable()); };
  Serve({.connections = {
             .write_buffer_max = 64 << 20, .write_buffer_high = 1000, .write_buffer_low = 100}});
  const Client client = Open();
  told.last->Write(std::string(2000, 'x'));
  EXPECT_FALSE(told.last->writable());
  told.last->Write(std::string(32 << 20, 'x'));
  Run();
  EXPECT_THAT(told.story, ElementsAre("opened"));
}

TEST_F(ServerTest, WhetherItIsWritableIsAskedOnlyWhileSomethingIsUnsent) {
  const std::string data = Pattern(8 << 20);
  Serve({.connections = {.write_buffer_max = data.size(), .write_buffer_high = data.size()}});
  const Client client = Open();
  Run();
  const FailNth asked(sys::Call::kEpollModify, 0, 0);
  told.last->Write(data);
  std::string received;
  RunUntil([&] {
    received += client.ReceiveSome();
    return received.size() == data.size();
  });
  Run();
  EXPECT_TRUE(received == data);
  EXPECT_EQ(asked.calls(), 2) << "on and off";
}

TEST_F(ServerTest, WhoIsGoneBeforeHeIsAcceptedIsOpenedAndClosedOnce) {
  Serve();
  const Client other = Open();
  told.story.clear();
  Client(server->endpoint().port()).Reset();
  RunUntilTold(2);
  EXPECT_THAT(told.story, ElementsAre("opened", "closed error " + std::to_string(ECONNRESET)));
  other.Send("x");
  RunUntilTold(3);
}

TEST_F(ServerTest, AFloodOfComersLeavesTheOthersTheirTurn) {
  constexpr std::size_t kComers = 200;
  constexpr std::size_t kAcceptedInATurn = 64;
  Serve();
  const Client other = Open();
  std::vector<Client> comers;
  for (std::size_t i = 0; i < kComers; ++i) comers.emplace_back(server->endpoint().port());
  other.Send("x");
  loop->RunOnce(kPatience);
  EXPECT_EQ(told.received, "x");
  EXPECT_LE(server->connections(), 1 + kAcceptedInATurn);
  RunUntil([&] { return server->connections() == 1 + kComers; });
}

// What it closed itself the system remembers for a minute.
TEST_F(ServerTest, ARestartedServerGetsItsPortAgain) {
  Serve();
  const std::string endpoint = server->endpoint().text();
  {
    const Client client = Open();
    told.last->Close();
    Run();
    EXPECT_EQ(client.ReceiveAll(), "");
  }
  RunUntil([&] { return told.closes == 1; });
  server.reset();
  Serve({}, endpoint);
}

TEST_F(ServerTest, ServersOnTwoLoopsShareAPort) {
  Serve({.share_port = true});
  EventLoop other_loop;
  Told other_told;
  const auto other =
      Server::Listen(other_loop, server->endpoint(), other_told, {.share_port = true});
  ASSERT_TRUE(other.ok()) << other.status();
  std::vector<Client> clients;
  for (int i = 0; i < 64; ++i) clients.emplace_back(server->endpoint().port());
  RunUntil([&] {
    other_loop.RunOnce();
    return server->connections() + (*other)->connections() == 64;
  });
  EXPECT_GT(server->connections(), 0U);
  EXPECT_GT((*other)->connections(), 0U);
}

TEST_F(ServerTest, WithoutDescriptorsItSaysSoOnceAndGoesOnLater) {
  std::vector<int> errors;
  Serve({.accept_failed = [&](int error) { errors.push_back(error); }});
  {
    const FailAll fail(sys::Call::kAccept, EMFILE);
    const Client client(server->endpoint().port());
    for (int i = 0; i < 5; ++i) {
      RunUntil([&] { return fail.calls() > 2 * i; });
      clock.Advance(std::chrono::milliseconds(60));
    }
  }
  EXPECT_THAT(errors, ElementsAre(EMFILE));
  clock.Advance(std::chrono::seconds(1));
  const Client client(server->endpoint().port());
  RunUntilTold(1);
}

TEST_F(ServerTest, OptionsThatMakeNoSenseAreRefusedByName) {
  const auto status = [&](ServerOptions options) {
    const auto made =
        Server::Listen(*loop, *Endpoint::Parse("127.0.0.1:0"), told, std::move(options));
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(made.status().message());
  };
  EXPECT_THAT(status({.backlog = 0}), HasSubstr("backlog"));
  EXPECT_THAT(status({.connections_max = 0}), HasSubstr("connections_max"));
  EXPECT_THAT(status({.connections = {.read_bytes_max = 0}}), HasSubstr("read_bytes_max"));
  EXPECT_THAT(status({.connections = {.idle_timeout = Nanoseconds(-1)}}), HasSubstr("below zero"));
  EXPECT_THAT(status({.connections = {.read_timeout = std::chrono::hours(10000)}}),
              HasSubstr("30 days"));
}

}  // namespace
}  // namespace belfry
