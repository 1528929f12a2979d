// A server's connections, for a test's world: the test is the peers.
//
//   belfry::testing::World world;
//   belfry::testing::FakeConnections connections(world);
//   auto echo = WireEcho(world.dispatcher(), connections);  // as the program does
//   const belfry::ConnectionId peer = connections.Open();
//   connections.Receive(peer, "hello");
//   world.Run();
//   EXPECT_EQ(connections.Written(peer), "hello");
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/connections.h"
#include "belfry/export.h"

namespace belfry::testing {

class World;

struct FakeConnectionsOptions {
  // As of ConnectionOptions: a Write that finds more than this still unsent ends the connection.
  std::size_t write_buffer_max = std::size_t{4} << 20;
};

// ConnectionEvents without sockets: the same events in the same order. What a peer does, and what
// the program does outside the connections' own events, happens as a step of the world; inside
// them, that is in an inline listener, at once. Of one connection and of the program the steps come
// in the order in which they were asked for; all else in any order.
//
// A peer that is told the end ends its own way.
//
// It cannot show: data that arrives together though it was sent in two pieces, or in other pieces
// than the test says; a limit of connections; addresses and descriptors that run out.
//
// Thread safety: the world's thread. Lifetime: ends before its world; the destructor aborts every
// connection. At the dispatcher's shutdown it closes them.
class BELFRY_EXPORT FakeConnections final : public Connections {
 public:
  explicit FakeConnections(World& world, FakeConnectionsOptions options = {});
  ~FakeConnections() override;

  void Write(ConnectionId connection, std::string_view data) override;
  void Flush(ConnectionId /*connection*/) override {}  // it is sent at once
  void Close(ConnectionId connection) override;
  void EndWriting(ConnectionId connection) override;
  void Abort(ConnectionId connection) override;
  void PauseReading(ConnectionId connection) override;
  void ResumeReading(ConnectionId connection) override;
  void Defer(ConnectionId connection, std::function<void()> work) override;

  // --- What a peer does. Nothing, once its connection has ended ---
  ConnectionId Open(std::string peer = "127.0.0.1:40000");
  void Receive(ConnectionId connection, std::string data);  // one DataReceived
  void ReceiveInPieces(ConnectionId connection, std::string_view data, std::size_t piece);
  void ClosePeer(ConnectionId connection);         // sends no more
  void Break(ConnectionId connection, int error);  // an errno: the connection is reset
  // What is written to it stays unsent, until it reads on.
  void StopReading(ConnectionId connection);
  void ReadOn(ConnectionId connection);

  // --- When it is sent, and what goes wrong ---
  // What is written from now on reaches the peer so much later. Nothing, as at first: at once.
  void SetLatency(std::optional<Nanoseconds> latency);
  // The Write of that number, of all connections (the first is 1), ends its connection like this.
  void FailNth(unsigned nth, int error);
  // With Explore: it may, or may not; both are tried.
  void MayFailNth(unsigned nth, int error);

  // --- What has become of it ---
  std::string Written(ConnectionId connection) const;  // what has reached the peer
  std::optional<ConnectionClosed> Ended(ConnectionId connection) const;  // nothing: not yet

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;  // shared with itself: it may go inside one of its own events
};

}  // namespace belfry::testing
