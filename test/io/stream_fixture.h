// Connections by listeners, on a loop that the test itself turns.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/connector.h"
#include "belfry/event_loop.h"
#include "belfry/server.h"
#include "io/client.h"
#include "waiting.h"

namespace belfry {

// Writes down what it is told: "opened", "data hello", "end", "writable", "closed local 0"; then
// does what the test wants.
class Told final : public ConnectionListener {
 public:
  using Action = std::function<void(Connection&)>;

  void OnOpened(Connection& connection) override {
    last = &connection;
    id = connection.id();
    story.emplace_back("opened");
    Do(on_opened, connection);
  }
  void OnData(Connection& connection, std::string_view data) override {
    story.push_back("data " + std::string(data.substr(0, 40)));
    received += data;
    Do(on_data, connection);
    if (echo) connection.Write(data);
  }
  void OnEnd(Connection& connection) override {
    story.emplace_back("end");
    on_end ? on_end(connection) : ConnectionListener::OnEnd(connection);
  }
  void OnWritable(Connection& connection) override {
    story.emplace_back("writable");
    Do(on_writable, connection);
  }
  void OnClosed(Connection& connection, const ConnectionClosed& closed) override {
    EXPECT_EQ(closed.connection, connection.id());
    story.push_back("closed " + Why(closed.why) + " " + std::to_string(closed.error));
    last = nullptr;
    ++closes;
    Do(on_closed, connection);
  }

  static std::string Why(ConnectionClosed::Why why) {
    static const char* const kNames[] = {"peer",     "local",     "error",
                                         "not read", "timed out", "shutdown"};
    return kNames[static_cast<int>(why)];
  }

  bool echo = false;
  Action on_opened, on_data, on_end, on_writable, on_closed;
  std::vector<std::string> story;
  std::string received;
  Connection* last = nullptr;  // until it is closed
  ConnectionId id;
  int closes = 0;

 private:
  static void Do(const Action& action, Connection& connection) {
    if (action) action(connection);
  }
};

// After each test no descriptor is left.
class StreamTest : public testing::Test {
 protected:
  void SetUp() override {
    descriptors_before_ = CountDescriptors();
    loop = std::make_unique<EventLoop>(clock);
  }
  void TearDown() override {
    server.reset();
    connector.reset();
    loop.reset();
    EXPECT_EQ(CountDescriptors(), descriptors_before_);
  }

  void Serve(ServerOptions options = {}, const std::string& endpoint = "127.0.0.1:0") {
    auto made = Server::Listen(*loop, *Endpoint::Parse(endpoint), told, std::move(options));
    ASSERT_TRUE(made.ok()) << made.status();
    server = *std::move(made);
  }
  // Turns the loop until that is so.
  void RunUntil(const std::function<bool()>& done) {
    EXPECT_TRUE(Eventually([&] {
      loop->RunOnce(std::chrono::milliseconds(1));
      return done();
    })) << "told: "
        << testing::PrintToString(told.story);
  }
  void RunUntilTold(std::size_t count) {
    RunUntil([&] { return told.story.size() >= count; });
  }
  void Run(int turns = 5) {
    for (int i = 0; i < turns; ++i) loop->RunOnce();
  }
  // A client that is open and known to the server.
  Client Open() {
    Client client(server->endpoint().port());
    const std::size_t before = server->connections();
    RunUntil([&] { return server->connections() > before; });
    return client;
  }

  ManualClock clock;
  Told told;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Server> server;
  std::unique_ptr<Connector> connector;

 private:
  std::size_t descriptors_before_ = 0;
};

}  // namespace belfry
