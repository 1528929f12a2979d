// Connections of several loops, each on a thread of its own, that share one port.

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/connection_events.h"
#include "belfry/loop_group.h"
#include "belfry/server.h"
#include "belfry/subscription_bag.h"
#include "io/client.h"

namespace belfry {
namespace {

constexpr unsigned kLoops = 3;
constexpr int kClients = 96;

// On which thread each connection was told something.
class Threads {
 public:
  void Note(ConnectionId connection) {
    const std::lock_guard lock(mutex_);
    threads_[connection].insert(std::this_thread::get_id());
  }
  void NoteClosed(ConnectionId connection) {
    Note(connection);
    const std::lock_guard lock(mutex_);
    ++closed_;
  }
  int closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  void ExpectOneForEachConnectionAndSomeForEachLoop() const {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(threads_.size(), static_cast<std::size_t>(kClients));
    std::set<std::thread::id> all;
    for (const auto& [connection, threads] : threads_) {
      EXPECT_EQ(threads.size(), 1U) << "connection " << connection.number;
      all.insert(threads.begin(), threads.end());
    }
    EXPECT_EQ(all.size(), kLoops);
  }

 private:
  mutable std::mutex mutex_;
  std::map<ConnectionId, std::set<std::thread::id>> threads_;
  int closed_ = 0;
};

class LoopsTest : public testing::Test {
 protected:
  void SetUp() override { descriptors_before_ = CountDescriptors(); }
  void TearDown() override { EXPECT_EQ(CountDescriptors(), descriptors_before_); }

  // Runs `work` on the thread of a loop and waits for it.
  static void OnThreadOf(EventLoop& loop, const std::function<void()>& work) {
    Gate done;
    loop.Post([&] {
      work();
      done.Open();
    });
    done.Wait();
  }

  // All at once, from several threads; each goes in another way.
  static void ComeAndGo(std::uint16_t port) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        std::vector<Client> clients;
        for (int i = t; i < kClients; i += 4) clients.emplace_back(port);
        for (int round = 0; round < 10; ++round) {
          for (const Client& client : clients) EXPECT_EQ(client.Echo("hello"), "hello");
        }
        for (std::size_t i = 0; i < clients.size(); i += 2) clients[i].Reset();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  Threads threads_;

 private:
  std::size_t descriptors_before_ = 0;
};

class Echo final : public ConnectionListener {
 public:
  explicit Echo(Threads& threads) : threads_(threads) {}
  void OnOpened(Connection& connection) override { threads_.Note(connection.id()); }
  void OnData(Connection& connection, std::string_view data) override {
    threads_.Note(connection.id());
    connection.Write(data);
  }
  void OnEnd(Connection& connection) override {
    threads_.Note(connection.id());
    connection.Close();
  }
  void OnClosed(Connection& connection, const ConnectionClosed& /*closed*/) override {
    threads_.NoteClosed(connection.id());
  }

 private:
  Threads& threads_;
};

TEST_F(LoopsTest, ConnectionsOfServersAreSpreadAndEachStaysOnItsLoop) {
  Echo echo(threads_);
  Endpoint endpoint = *Endpoint::Parse("127.0.0.1:0");
  std::vector<std::unique_ptr<Server>> servers(kLoops);
  LoopGroup loops({.loops = kLoops});
  for (std::size_t i = 0; i < kLoops; ++i) {
    OnThreadOf(loops.loop(i), [&] {
      auto server = Server::Listen(loops.loop(i), endpoint, echo, {.share_port = true});
      ASSERT_TRUE(server.ok()) << server.status();
      servers[i] = *std::move(server);
      endpoint = servers[i]->endpoint();
    });
  }
  ComeAndGo(endpoint.port());
  EXPECT_TRUE(Eventually([&] { return threads_.closed() == kClients; }));
  for (std::size_t i = 0; i < kLoops; ++i) {
    OnThreadOf(loops.loop(i), [&] { servers[i].reset(); });
  }
  threads_.ExpectOneForEachConnectionAndSomeForEachLoop();
}

TEST_F(LoopsTest, ConnectionsThatAreEventsAreSpreadAndEachStaysOnItsLoop) {
  Endpoint endpoint = *Endpoint::Parse("127.0.0.1:0");
  std::vector<std::unique_ptr<ConnectionEvents>> connections(kLoops);
  LoopGroup loops({.loops = kLoops});
  Dispatcher dispatcher({.pool = {.threads = 1}});
  SubscriptionBag listeners;
  const ListenerOptions at_once = {.run = Run::kInline};
  listeners += dispatcher.Subscribe([&](const ConnectionOpened& e) { threads_.Note(e.connection); },
                                    at_once);
  listeners += dispatcher.Subscribe(
      [&](const DataReceived& e) {
        threads_.Note(e.connection);
        for (const auto& one : connections) {
          if (one->id() == e.connection.server) one->Write(e.connection, e.data);
        }
      },
      at_once);
  listeners += dispatcher.Subscribe(
      [&](const ConnectionClosed& e) { threads_.NoteClosed(e.connection); }, at_once);
  for (std::size_t i = 0; i < kLoops; ++i) {
    OnThreadOf(loops.loop(i), [&] {
      connections[i] = std::make_unique<ConnectionEvents>(loops.loop(i), dispatcher);
      const auto bound = connections[i]->Listen(endpoint, {.share_port = true});
      ASSERT_TRUE(bound.ok()) << bound.status();
      endpoint = *bound;
    });
  }
  ComeAndGo(endpoint.port());
  EXPECT_TRUE(Eventually([&] { return threads_.closed() == kClients; }));
  for (std::size_t i = 0; i < kLoops; ++i) {
    OnThreadOf(loops.loop(i), [&] { connections[i].reset(); });
  }
  threads_.ExpectOneForEachConnectionAndSomeForEachLoop();
}

}  // namespace
}  // namespace belfry
