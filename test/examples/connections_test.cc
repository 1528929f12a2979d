// The examples in the headers of connections.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cctype>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "belfry/connection.h"
#include "belfry/connection_events.h"
#include "belfry/connector.h"
#include "belfry/descriptor_events.h"
#include "belfry/dispatcher.h"
#include "belfry/endpoint.h"
#include "belfry/event_loop.h"
#include "belfry/flow/tasks.h"
#include "belfry/framing.h"
#include "belfry/server.h"
#include "belfry/task_connection.h"
#include "io/client.h"

namespace belfry {
namespace {

void Fail(const absl::Status& status) { ADD_FAILURE() << status; }

// example: connection.h
class Echo final : public belfry::ConnectionListener {
  void OnData(belfry::Connection& connection, std::string_view data) override {
    connection.Write(data);
  }
};
// end of example

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

// example: framing.h
class Shout final : public belfry::ConnectionListener {
  void OnData(belfry::Connection& connection, std::string_view data) override {
    auto fed = lines_.Feed(data, [&](std::string_view line) { connection.Write(Upper(line)); });
    if (!fed.ok()) connection.Abort();
  }
  belfry::LineFraming lines_{{.bytes_max = 1000}};
};
// end of example

TEST(FramingExample, ShoutsWhatItIsTold) {
  EventLoop loop;
  const auto server = Server::Listen(loop, *Endpoint::Parse("127.0.0.1:0"),
                                     [] { return std::make_unique<Shout>(); });
  ASSERT_TRUE(server.ok()) << server.status();
  std::thread running([&] { loop.Run(); });
  {
    const Client client((*server)->endpoint().port());
    client.Send("hel");
    client.Send("lo\nyou\n");
    EXPECT_EQ(client.Receive(8), "HELLOYOU");
  }
  loop.Stop();
  running.join();
}

TEST(ConnectionEventsExample, EchoesWhatItReceives) {
  EventLoop loop;
  Dispatcher dispatcher;
  // example: connection_events.h
  belfry::ConnectionEvents connections(loop, dispatcher);
  auto echo = dispatcher.Subscribe(
      [&](const belfry::DataReceived& e) { connections.Write(e.connection, e.data); },
      {.run = belfry::Run::kInline});
  auto endpoint = connections.Listen(*belfry::Endpoint::Parse("127.0.0.1:0"));
  if (!endpoint.ok()) return Fail(endpoint.status());
  // end of example
  std::thread running([&] { loop.Run(); });
  {
    const Client client(endpoint->port());
    EXPECT_EQ(client.Echo("hello"), "hello");
  }
  loop.Stop();
  running.join();
}

// The loop runs on this thread until the client, on another one, has its echo.
TEST(ServerExample, EchoesWhatItReceives) {
  EventLoop loop;
  std::thread other;
  const auto greet = [&](std::uint16_t port) {
    other = std::thread([&loop, port] {
      EXPECT_EQ(Client(port).Echo("hello"), "hello");
      loop.Stop();
    });
  };
  // example: server.h
  Echo echo;
  auto server = belfry::Server::Listen(loop, *belfry::Endpoint::Parse("127.0.0.1:0"), echo);
  if (!server.ok()) return Fail(server.status());
  // end of example
  greet((*server)->endpoint().port());
  loop.Run();
  other.join();
}

// example: task_connection.h
belfry::Task<> EchoLines(belfry::TaskConnection connection) {
  for (;;) {
    const absl::StatusOr<std::string> line = co_await connection.ReadLine();
    if (!line.ok()) co_return;  // the peer's end, or an error
    if (!(co_await connection.Write(*line + "\n")).ok()) co_return;
  }
}
// end of example

TEST(TaskConnectionExample, EchoesLines) {
  EventLoop loop;
  Dispatcher dispatcher;
  Tasks tasks(dispatcher);
  // example: task_connection.h
  const auto begin = [&](belfry::TaskConnection comer) {
    tasks.Start(EchoLines(std::move(comer)));
  };
  auto server = belfry::Server::Listen(loop, *belfry::Endpoint::Parse("127.0.0.1:0"),
                                       belfry::ToTasks(loop, begin));
  // end of example
  ASSERT_TRUE(server.ok()) << server.status();
  std::thread running([&] { loop.Run(); });
  {
    const Client client((*server)->endpoint().port());
    client.Send("hello\nyou\n");
    EXPECT_EQ(client.Receive(10), "hello\nyou\n");
  }
  dispatcher.Drain();
  loop.Stop();
  running.join();
}

TEST(DescriptorEventsExample, ToldOfAReadyPipe) {
  EventLoop loop;
  Dispatcher dispatcher({.executor = &loop});
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  const int bell = ends[0];
  static char read_byte = 0;
  static const auto ReadFrom = [](int fd) { EXPECT_EQ(::read(fd, &read_byte, 1), 1); };
  // example: descriptor_events.h
  belfry::DescriptorEvents descriptors(loop, dispatcher);
  auto read = dispatcher.Subscribe([&](const belfry::FdReady& e) { ReadFrom(e.fd); });
  descriptors.Watch(bell, belfry::Interest::kReadable);
  // end of example
  while (read_byte == 0) loop.RunOnce(std::chrono::seconds(1));
  descriptors.Unwatch(bell);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ConnectorExample, GreetsWhomItConnectsTo) {
  struct Greeter final : ConnectionListener {
    explicit Greeter(EventLoop& running) : loop(running) {}
    void OnOpened(Connection& connection) override { connection.Write("hello"); }
    void OnData(Connection&, std::string_view data) override {
      EXPECT_EQ(data, "hello");
      loop.Stop();
    }
    EventLoop& loop;
  };
  EventLoop loop;
  Echo echo;
  // example: endpoint.h
  auto endpoint = belfry::Endpoint::Parse("unix:@belfry.example");
  if (!endpoint.ok()) return Fail(endpoint.status());
  // end of example
  const auto server = Server::Listen(loop, *endpoint, echo);
  ASSERT_TRUE(server.ok()) << server.status();
  // example: connector.h
  belfry::Connector connector(loop);
  auto connection = connector.Connect(*endpoint, std::make_unique<Greeter>(loop));
  if (!connection.ok()) return Fail(connection.status());
  // end of example
  loop.Run();
}

}  // namespace
}  // namespace belfry
