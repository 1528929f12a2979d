// A server by listeners of its connections, for a test's world.
//
//   belfry::testing::World world;
//   Echo echo;                                        // as the program has it
//   belfry::testing::FakeServer server(world, echo);  // instead of Server::Listen
//   belfry::testing::FakePeer peer = server.Open("10.0.0.7:1234");
//   peer.Send("hello");
//   world.Run();
//   EXPECT_EQ(peer.received(), "hello");
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "belfry/connection.h"
#include "belfry/endpoint.h"
#include "belfry/export.h"
#include "belfry/server.h"
#include "belfry/testing/fake_peer.h"

namespace belfry::testing {

class World;

// Server without sockets, on World::loop(): its listeners are called in the same order, by the same
// rules, and with the same time-outs, in the world's time. What a program does to a connection
// happens at once, or at the end of the turn, as with the real one; Timer and EventLoop are real.
//
// It cannot show: data that arrives together though it was sent in two pieces, or in other pieces
// than the test says; what the system takes before a peer that does not read is noticed: here it
// takes nothing; addresses and descriptors that run out (ServerOptions::accept_failed).
//
// Thread safety: the world's thread. Lifetime: ends before its world; else as Server.
class BELFRY_EXPORT FakeServer final : public Server {
 public:
  // As of Server::Listen.
  FakeServer(World& world, ConnectionListener& listener, const ServerOptions& options = {});
  FakeServer(World& world, MakeConnectionListener make, const ServerOptions& options = {});
  ~FakeServer() override;

  // A client connects from there.
  FakePeer Open(std::string from = "127.0.0.1:40000");

  // --- The program's ---
  const Endpoint& endpoint() const override;  // 127.0.0.1:7000
  std::size_t connections() const override;
  void ForEach(const std::function<void(Connection&)>& visit) override;
  void StopAccepting() override;
  void CloseAll() override;
  void Defer(ConnectionId connection, std::function<void(Connection&)> work) override;

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;  // shared with steps that are still to come
};

}  // namespace belfry::testing
