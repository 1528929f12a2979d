// What a server does with events that a full queue refuses.

#include <atomic>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "belfry/manual_executor.h"
#include "faults.h"
#include "io/tcp_fixture.h"

namespace belfry {
namespace {

using testing::ElementsAre;

class RefusedEventsTest : public TcpServerTest, public testing::WithParamInterface<bool> {};

// A queue with one place, emptied by hand: nearly every event is refused at first.
TEST_P(RefusedEventsTest, B4_RefusedEventsComeLaterInOrderAndTheConnectionIsNotReadMeanwhile) {
  ManualExecutor executor;
  std::string received;
  std::atomic<bool> ended{false};
  const ListenerOptions options{
      .executor = &executor,
      .queue = {.events_max = 1},
      .overflow = GetParam() ? Overflow::Reject() : Overflow::Block(std::chrono::hours(1))};
  Listen([&](const DataReceived& e) { received += e.data; }, options);
  Listen([&](const ConnectionOpened&) { EXPECT_EQ(received, ""); }, options);
  Listen([&](const ConnectionClosed&) { ended = true; }, options);
  Serve({.read_bytes_max = 1000});
  Client client(port_);
  const std::string data = Pattern(20000);
  {
    const FailNth reads(sys::Call::kRecv, 0, 0);
    client.Send(data);
    EXPECT_TRUE(Eventually([&] { return reads.calls() > 0; }));
    for (int turn = 0; turn < 10; ++turn) {
      Gate gate;
      loop_->Post([&] { gate.Open(); });
      gate.Wait();
    }
    EXPECT_LE(reads.calls(), 2) << "the first is queued, the second waits, the rest is the peer's";
  }
  client.Close();
  EXPECT_TRUE(Eventually([&] {
    executor.RunUntilIdle();
    return ended.load();
  }));
  EXPECT_TRUE(received == data);
  StopLoop();
  server_.reset();
  executor.RunUntilIdle();
  subscriptions_.resize(2);
}

TEST_P(RefusedEventsTest, WhatWaitsStillComesWhenTheConnectionIsResetMeanwhile) {
  ManualExecutor executor;
  std::vector<std::string> seen;
  const ListenerOptions options{
      .executor = &executor,
      .queue = {.events_max = 1},
      .overflow = GetParam() ? Overflow::Reject() : Overflow::Block(std::chrono::hours(1))};
  Listen([&](const DataReceived& e) { seen.push_back(e.data); }, options);
  Listen([&](const ConnectionClosed&) { seen.emplace_back("closed"); }, options);
  Serve({.read_bytes_max = 1});
  Client client(port_);
  client.Send("ab");
  const TypeStats* refused = nullptr;
  Stats stats;
  EXPECT_TRUE(Eventually([&] {
    stats = dispatcher_->GetStats();
    for (const TypeStats& type : stats.types) {
      if (type.event_type == EventTypeOf<DataReceived>()) refused = &type;
    }
    return refused != nullptr && refused->refused > 0;
  }));
  client.Reset();
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  EXPECT_TRUE(Eventually([&] {
    executor.RunUntilIdle();
    return seen.size() == 3;
  }));
  EXPECT_THAT(seen, ElementsAre("a", "b", "closed"));
  StopLoop();
  server_.reset();
  executor.RunUntilIdle();
  subscriptions_.resize(2);
}

INSTANTIATE_TEST_SUITE_P(Policies, RefusedEventsTest, testing::Bool(),
                         [](const auto& policy) { return policy.param ? "Reject" : "Block"; });

}  // namespace
}  // namespace belfry
