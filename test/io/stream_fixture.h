// Connections by listeners, on a loop that the test itself turns.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/connector.h"
#include "belfry/event_loop.h"
#include "belfry/server.h"
#include "io/client.h"
#include "io/told.h"
#include "waiting.h"

namespace belfry {

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
