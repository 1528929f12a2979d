// One connection without a socket, on a clock that the test moves.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "connection.h"

namespace belfry::http {

class ConnectionTest : public testing::Test, public ConnectionServer {
 protected:
  ConnectionTest() {
    options_.header_bytes_max = 1000;
    options_.body_bytes_max = 100;
    options_.pipelined_max = 3;
    options_.request_time_max = std::chrono::seconds(10);
    options_.answer_time_max = std::chrono::seconds(30);
    options_.idle_time_max = std::chrono::seconds(60);
  }

  Connection& connection() {
    if (!connection_) connection_.emplace(*this, options_, ConnectionId{1, 2}, EventId{3, 4}, now_);
    return *connection_;
  }

  void Receive(const std::string& bytes) { connection().Receive(now_, bytes); }
  void Answer(std::uint64_t number, std::string body, int status = 200,
              std::vector<Header> headers = {}) {
    connection().Answer(now_, {.request = {{1, 2}, number},
                               .status = status,
                               .headers = std::move(headers),
                               .body = std::move(body)});
  }

  // Moves the clock, and keeps the deadlines on the way.
  void Pass(Nanoseconds time) {
    const SteadyTime end = now_ + time;
    for (;;) {
      const std::optional<SteadyTime> deadline = connection().deadline();
      if (!deadline || *deadline > end) break;
      now_ = std::max(now_, *deadline);
      connection().OnTime(now_);
      ASSERT_NE(connection().deadline(), deadline) << "a deadline that stays is a busy loop";
    }
    now_ = end;
  }

  // What was written since the last call.
  std::string Written() { return std::exchange(written_, {}); }

  std::vector<std::string> Targets() const {
    std::vector<std::string> targets;
    for (const HttpRequestReceived& request : requests_) targets.push_back(request.target);
    return targets;
  }

  Intake Accept(HttpRequestReceived request, EventId opened) override {
    EXPECT_EQ(opened, (EventId{3, 4}));
    if (intake_ == Intake::kAccepted) {
      ++unsettled_;
      requests_.push_back(std::move(request));
    }
    return intake_;
  }
  void Settled() override { --unsettled_; }
  void Write(ConnectionId id, std::string data) override {
    EXPECT_EQ(id, (ConnectionId{1, 2}));
    EXPECT_FALSE(closed_) << "written after the close: " << data;
    written_ += data;
    if (gone_on_write_) connection_->Gone();
  }
  void Close(ConnectionId) override { closed_ = true; }
  void Abort(ConnectionId) override { aborted_ = true; }
  void PauseReading(ConnectionId) override {
    EXPECT_FALSE(paused_);
    paused_ = true;
  }
  void ResumeReading(ConnectionId) override {
    EXPECT_TRUE(paused_);
    paused_ = false;
  }
  std::string_view Date() override { return "today"; }

  HttpServerOptions options_;
  SteadyTime now_{};
  std::optional<Connection> connection_;
  Intake intake_ = Intake::kAccepted;
  std::vector<HttpRequestReceived> requests_;
  int unsettled_ = 0;
  std::string written_;
  bool gone_on_write_ = false;
  bool closed_ = false;
  bool aborted_ = false;
  bool paused_ = false;
};

inline std::string Get(const std::string& target, const std::string& header = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + header + "\r\n";
}

}  // namespace belfry::http
