// A listener of connections that writes down what it is told.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/connection.h"

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

}  // namespace belfry
