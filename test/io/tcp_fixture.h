// A server on a loop of its own thread, its events written down.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/connection_events.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "io/client.h"
#include "io/recorder.h"

namespace belfry {

struct ServeOptions {
  std::string address = "127.0.0.1";
  std::size_t connections_max = ListenOptions().connections_max;
  std::size_t read_bytes_max = ConnectionOptions().read_bytes_max;
  std::size_t write_buffer_max = ConnectionOptions().write_buffer_max;
};

// After each test every connection has been closed exactly once, and no descriptor is left.
class TcpServerTest : public testing::Test {
 protected:
  using Why = ConnectionClosed::Why;

  void SetUp() override {
    descriptors_before_ = CountDescriptors();
    dispatcher_ = std::make_unique<Dispatcher>(DispatcherOptions{.pool = {.threads = 1}});
    loop_ = std::make_unique<EventLoop>(clock());
    subscriptions_.push_back(dispatcher_->Subscribe(
        [this](const ConnectionOpened& e) { opened_.Add(e); }, {.run = Run::kInline}));
    subscriptions_.push_back(dispatcher_->Subscribe(
        [this](const ConnectionClosed& e) { closed_.Add(e); }, {.run = Run::kInline}));
  }

  void TearDown() override {
    StopLoop();
    server_.reset();
    EXPECT_EQ(opened_.size(), closed_.size()) << "not every connection was closed exactly once";
    subscriptions_.clear();
    dispatcher_.reset();
    loop_.reset();
    EXPECT_EQ(CountDescriptors(), descriptors_before_);
  }

  virtual const Clock& clock() const { return Clock::Real(); }

  // Makes the server and runs the loop.
  void Serve(const ServeOptions& options = {}) {
    server_ = std::make_unique<ConnectionEvents>(
        *loop_, *dispatcher_,
        ConnectionOptions{.read_bytes_max = options.read_bytes_max,
                          .write_buffer_max = options.write_buffer_max});
    const auto endpoint = server_->Listen(*Endpoint::Tcp(options.address, 0),
                                          {.connections_max = options.connections_max});
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    port_ = endpoint->port();
    thread_ = std::thread([this] { loop_->Run(); });
  }

  void StopLoop() {
    if (!thread_.joinable()) return;
    loop_->Stop();
    thread_.join();
  }

  template <class F>
  void Listen(F listener, ListenerOptions options = {.run = Run::kInline}) {
    subscriptions_.push_back(dispatcher_->Subscribe(std::move(listener), std::move(options)));
  }

  void ServeEcho(const ServeOptions& options = {}) {
    Listen([this](const DataReceived& e) { server_->Write(e.connection, e.data); });
    Serve(options);
  }

  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<EventLoop> loop_;
  std::vector<Subscription> subscriptions_;
  std::unique_ptr<ConnectionEvents> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
  Recorder<ConnectionOpened> opened_;
  Recorder<ConnectionClosed> closed_;

 private:
  std::size_t descriptors_before_ = 0;
};

}  // namespace belfry
