#include <fcntl.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "belfry/connection_events.h"
#include "belfry/signals.h"
#include "io/tcp_fixture.h"

namespace belfry {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(TcpServerTest, AConnectionIsOpenedThenItsDataComesThenItIsClosed) {
  Recorder<std::string> received;
  Listen([&](const DataReceived& e) { received.Add(e.data); });
  Serve();
  Client client(port_);
  const ConnectionOpened opened = opened_.Await();
  EXPECT_EQ(opened.connection.server, server_->id());
  EXPECT_THAT(opened.peer, StartsWith("127.0.0.1:"));
  EXPECT_EQ(server_->connections(), 1U);
  client.Send("hello");
  EXPECT_EQ(received.Await(), "hello");
  client.Close();
  const ConnectionClosed closed = closed_.Await();
  EXPECT_EQ(closed.connection, opened.connection);
  EXPECT_EQ(closed.why, Why::kPeer);
  EXPECT_EQ(closed.error, 0);
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(TcpServerTest, EachEventStartsAStoryAndIsLinkedToTheOpening) {
  Recorder<EventId> ids;
  Recorder<EventId> links;
  const auto note = [&](const Envelope& envelope) {
    EXPECT_EQ(envelope.correlation_id(), envelope.id());
    EXPECT_FALSE(envelope.causation_id());
    ids.Add(envelope.id());
    for (const EventId link : envelope.links()) links.Add(link);
  };
  Listen([&](const ConnectionOpened&, Context& context) { note(context.envelope()); });
  Listen([&](const DataReceived&, Context& context) { note(context.envelope()); });
  Listen([&](const ConnectionClosed&, Context& context) { note(context.envelope()); });
  Serve();
  Client client(port_);
  client.Send("x");
  ids.Await(2);
  client.Close();
  ids.Await(3);
  const EventId opened = ids.all()[0];
  EXPECT_THAT(links.all(), ElementsAre(opened, opened));
}

TEST_F(TcpServerTest, ManyBytesComeBackInOrder) {
  ServeEcho();
  const Client client(port_);
  const std::string data = Pattern(5 << 20);
  std::thread sender([&] { EXPECT_TRUE(client.Send(data)); });
  EXPECT_TRUE(client.Receive(data.size()) == data);
  sender.join();
}

TEST_F(TcpServerTest, ListenersOnOtherThreadsWriteInOrder) {
  Listen([this](const DataReceived& e) { server_->Write(e.connection, e.data); },
         {.run = Run::kQueued});
  Serve();
  const Client client(port_);
  const std::string data = Pattern(1 << 20);
  std::thread sender([&] { EXPECT_TRUE(client.Send(data)); });
  EXPECT_TRUE(client.Receive(data.size()) == data);
  sender.join();
}

TEST_F(TcpServerTest, B4_AtMostSoManyConnectionsAreOpenAndTheNextComesWhenOneHasGone) {
  ServeEcho({.connections_max = 2});
  Client first(port_);
  const Client second(port_);
  const Client third(port_);
  EXPECT_EQ(first.Echo("1"), "1");
  EXPECT_EQ(second.Echo("2"), "2");
  third.Send("3");
  EXPECT_EQ(second.Echo("2"), "2");
  EXPECT_EQ(opened_.size(), 2U);
  first.Close();
  EXPECT_EQ(third.Receive(1), "3");
  EXPECT_EQ(opened_.size(), 3U);
}

TEST_F(TcpServerTest, AnIdIsNeverUsedAgain) {
  Serve();
  for (std::size_t i = 1; i <= 20; ++i) {
    Client(port_).Close();
    closed_.Await(i);
  }
  std::set<ConnectionId> ids;
  for (const ConnectionOpened& opened : opened_.all()) ids.insert(opened.connection);
  EXPECT_EQ(ids.size(), 20U);
}

TEST_F(TcpServerTest, CallsForAConnectionThatIsGoneOrOfAnotherServerDoNothing) {
  ServeEcho();
  Client(port_).Close();
  const ConnectionId gone = closed_.Await().connection;
  const Client client(port_);
  EXPECT_EQ(client.Echo("a"), "a");
  const ConnectionId open = opened_.Await(2).connection;
  for (const ConnectionId id : {gone, ConnectionId{open.server + 1, open.number}, ConnectionId{}}) {
    server_->Write(id, "x");
    server_->Close(id);
    server_->Abort(id);
    server_->PauseReading(id);
    server_->ResumeReading(id);
  }
  EXPECT_EQ(client.Echo("b"), "b");
}

TEST_F(TcpServerTest, PausedReadingLosesNothing) {
  ServeEcho();
  const Client client(port_);
  EXPECT_EQ(client.Echo("a"), "a");
  const ConnectionId connection = opened_.Await().connection;
  Gate paused;
  server_->PauseReading(connection);
  loop_->Post([&] { paused.Open(); });
  paused.Wait();
  client.Send("b");
  const Client other(port_);
  EXPECT_EQ(other.Echo("other"), "other");
  char byte = 0;
  EXPECT_EQ(::recv(client.fd(), &byte, 1, MSG_DONTWAIT), -1) << "was read while paused";
  server_->ResumeReading(connection);
  EXPECT_EQ(client.Receive(1), "b");
}

TEST_F(TcpServerTest, OneThatSendsWithoutEndDoesNotStarveAnother) {
  ServeEcho();
  const Client flood(port_);
  std::thread sender([&] {
    while (flood.Send(std::string(100000, 'x'))) {
    }
  });
  std::thread reader([&] {
    while (flood.ReceiveSome().size() > 1) {
    }
  });
  const Client other(port_);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(other.Echo("ping"), "ping");
  ::shutdown(flood.fd(), SHUT_RDWR);
  sender.join();
  reader.join();
}

TEST_F(TcpServerTest, WhatCannotBeListenedOnSaysWhy) {
  Serve();
  StopLoop();
  const auto listen = [&](const std::string& endpoint, ListenOptions options = {}) {
    return server_->Listen(*Endpoint::Parse(endpoint), options).status();
  };
  EXPECT_EQ(listen("192.0.2.1:0").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(listen("127.0.0.1:0", {.backlog = 0}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(listen("127.0.0.1:0", {.connections_max = 0}).code(), StatusCode::kInvalidArgument);
  const absl::Status taken = listen("127.0.0.1:" + std::to_string(port_));
  EXPECT_EQ(taken.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(taken.message()), HasSubstr(std::to_string(port_)));
}

// Descriptors of ours that a program started by exec would inherit.
std::set<std::string> InheritedByExec() {
  std::set<std::string> found;
  for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
    const std::string number = descriptor.path().filename();
    if ((::fcntl(std::stoi(number), F_GETFD) & FD_CLOEXEC) == 0) found.insert(number);
  }
  return found;
}

class CloseOnExecTest : public TcpServerTest {
 protected:
  void SetUp() override {
    before_ = InheritedByExec();
    TcpServerTest::SetUp();
  }
  std::set<std::string> before_;
};

TEST_F(CloseOnExecTest, M3_NoDescriptorOfALoopAServerOrAConnectionIsInherited) {
  const Signals signals(*loop_, *dispatcher_, {SIGUSR2});
  ServeEcho();
  const Client client(port_);
  EXPECT_EQ(client.Echo("a"), "a");
  EXPECT_EQ(InheritedByExec(), before_);
  StopLoop();
}

TEST_F(TcpServerTest, Ipv6WorksTheSame) {
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  if (::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(probe);
    GTEST_SKIP() << "no IPv6 on this machine";
  }
  Serve({.address = "::1"});
  address.sin6_port = htons(port_);
  const int client = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_THAT(opened_.Await().peer, StartsWith("[::1]:"));
  ::close(client);
  ::close(probe);
}

}  // namespace
}  // namespace belfry
