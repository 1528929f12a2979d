// A server on loopback: its loop on a thread, its listeners on a pool of two.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "belfry/completion.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/http/http_server.h"
#include "http/raw_client.h"

namespace belfry::http {

inline constexpr std::chrono::seconds kDeadline{20};

class HttpTest : public testing::Test {
 protected:
  explicit HttpTest(DispatcherOptions options = TwoThreads()) : dispatcher_(std::move(options)) {}

  ~HttpTest() override {
    if (thread_.joinable()) {
      loop_.Post([this] {
        servers_.clear();
        loop_.Stop();
      });
      thread_.join();
    }
    EXPECT_TRUE(dispatcher_.Shutdown(ShutdownMode::kDrain, kDeadline).complete);
    for (const TypeStats& type : dispatcher_.GetStats().types) {
      EXPECT_TRUE(type.deliveries.balanced()) << type.event_type.name();
    }
  }

  static DispatcherOptions TwoThreads() {
    DispatcherOptions options;
    options.pool.threads = 2;
    return options;
  }

  // Before Run. Returns its port.
  std::uint16_t Serve(HttpServerOptions options = {}) {
    auto server = HttpServer::Listen(loop_, dispatcher_, std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    if (!server.ok()) return 0;
    servers_.push_back(std::move(*server));
    return servers_.back()->port();
  }

  void Run() {
    thread_ = std::thread([this] { loop_.Run(); });
  }

  // Runs `f` on the loop's thread and waits for it.
  void OnLoop(std::function<void()> f) {
    Completion<bool> done;
    loop_.Post([f = std::move(f), done] {
      f();
      done.Finish(true);
    });
    ASSERT_TRUE(done.WaitFor(kDeadline));
  }

  // Answers every request with what it was.
  void Echo() {
    subscriptions_.push_back(dispatcher_.Subscribe([this](const HttpRequestReceived& request) {
      dispatcher_.Publish(
          HttpResponse{.request = request.id,
                       .body = request.method + " " + request.target + " " + request.body});
    }));
  }

  // Collects the ids of requests instead of answering them, and tells when there are `count`.
  Completion<std::vector<RequestId>> Collect(std::size_t count) {
    Completion<std::vector<RequestId>> all;
    subscriptions_.push_back(dispatcher_.Subscribe(
        [all, count, ids = std::vector<RequestId>()](const HttpRequestReceived& request) mutable {
          ids.push_back(request.id);
          if (ids.size() == count) all.Finish(ids);
        }));
    return all;
  }

  static std::string Get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
  }

  EventLoop loop_;
  Dispatcher dispatcher_;
  std::vector<Subscription> subscriptions_;
  std::vector<std::unique_ptr<HttpServer>> servers_;

 private:
  std::thread thread_;
};

}  // namespace belfry::http
