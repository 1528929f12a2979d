// The peer of a connection of FakeServer or FakeConnector: the test is the peer.
//
//   peer.StopReading();
//   peer.Send("more");
//   world.Run();
//   EXPECT_EQ(peer.received(), "Hello, ");
//   EXPECT_EQ(peer.unsent(), "more");
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "belfry/connection.h"
#include "belfry/export.h"

namespace belfry::testing {

struct FakeLink;

// What a peer does reaches the connection as a step of the world: what one peer does in the order
// in which it did it, all else in any order. A peer reads at once, unless it is told not to.
//
// Thread safety: the world's thread. Lifetime: a value; what is asked for after the connection has
// gone does nothing, and what had become of it may still be looked at.
class BELFRY_EXPORT FakePeer {
 public:
  // For fakes.
  explicit FakePeer(std::shared_ptr<FakeLink> link) : link_(std::move(link)) {}

  // --- What it does ---
  void Send(std::string data);  // one OnData, or more than one if read_bytes_max is less
  void SendInPieces(std::string_view data, std::size_t piece);
  void End();             // sends no more, and reads on
  void Break(int error);  // an errno: the connection is reset
  // Takes nothing of what is written, until it reads on.
  void StopReading();
  void ReadOn();
  // Takes so many bytes and no more.
  void Read(std::size_t bytes);
  // Once the program has closed the connection its peer ends its own way, unless this was called.
  void StayOpen();

  // --- What has become of it ---
  const std::string& received() const;
  bool told_end() const;  // after `received` nothing comes any more
  bool refused() const;   // nobody listens to it: the server had stopped, or no listener for it
  std::optional<ConnectionClosed> ended() const;  // the program's end

  // --- The program's end, while it is open or on its way ---
  Connection* connection() const;  // null: it is gone
  std::string unsent() const;      // written, and not sent yet
  bool paused() const;             // by PauseReading
  std::size_t deferred() const;    // work that waits for its turn

 private:
  std::shared_ptr<FakeLink> link_;
};

}  // namespace belfry::testing
