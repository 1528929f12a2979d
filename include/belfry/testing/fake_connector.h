// Connections that a program opens itself, for a test's world: the test is whom it connects to.
//
//   belfry::testing::World world;
//   belfry::testing::FakeConnector connector(world);
//   connector.Answer("10.0.0.9:7000");
//   Greet(connector, "10.0.0.9:7000");  // as the program does
//   world.Run();
//   EXPECT_EQ(connector.Peers("10.0.0.9:7000").at(0).received(), "Good day");
#pragma once

#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/connection.h"
#include "belfry/connector.h"
#include "belfry/endpoint.h"
#include "belfry/export.h"
#include "belfry/testing/fake_peer.h"

namespace belfry::testing {

class World;

// Connector without sockets; see FakeServer for what it is like, and what it cannot show.
//
// Endpoints are texts that Endpoint::Parse takes; the test fails on others.
//
// Thread safety: the world's thread. Lifetime: ends before its world; else as Connector.
class BELFRY_EXPORT FakeConnector final : public Connector {
 public:
  explicit FakeConnector(World& world, const ConnectionOptions& options = {});
  ~FakeConnector() override;

  // --- What an endpoint does: also to those that wait for it. Each is a step ---
  void Answer(std::string_view endpoint);
  void Refuse(std::string_view endpoint, int error = ECONNREFUSED);  // as all do at first
  void Silence(std::string_view endpoint);                           // does not answer
  // Connect returns this, and nobody is told.
  void FailAtOnce(std::string_view endpoint, absl::Status status);

  // Of all that were to connect there, in that order.
  std::vector<FakePeer> Peers(std::string_view endpoint) const;
  // Of the last one that was adopted as this; the test fails if there was none.
  FakePeer Adopted(int fd) const;

  // --- The program's ---
  absl::StatusOr<ConnectionId> Connect(const Endpoint& endpoint,
                                       ConnectionListener& listener) override;
  absl::StatusOr<ConnectionId> Connect(const Endpoint& endpoint,
                                       std::unique_ptr<ConnectionListener> listener) override;
  // Any number will do; it is not used, nor closed.
  absl::StatusOr<ConnectionId> Adopt(int fd, ConnectionListener& listener) override;
  absl::StatusOr<ConnectionId> Adopt(int fd, std::unique_ptr<ConnectionListener> listener) override;
  std::size_t connections() const override;
  Connection* Find(ConnectionId connection) override;
  void Defer(ConnectionId connection, std::function<void(Connection&)> work) override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace belfry::testing
