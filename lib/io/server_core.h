// A listening socket and the connections that come of it.
#pragma once

#include <functional>
#include <memory>

#include "belfry/server.h"
#include "io/acceptor.h"
#include "io/listen_socket.h"
#include "io/stream_group.h"

namespace belfry {

// Gives each connection its listener; a null one: it is ended.
using GiveListener = std::function<HeldListener()>;

// Thread safety: the loop's thread. Lifetime: held by a shared_ptr, by the acceptor's watch too,
// until End.
class ServerCore final : public std::enable_shared_from_this<ServerCore>,
                         public AcceptorOwner,
                         public StreamGroupOwner {
 public:
  // Errors: see Server::Listen.
  static absl::StatusOr<std::shared_ptr<ServerCore>> Listen(
      EventLoop& loop, const Endpoint& endpoint, GiveListener give, ServerOptions options,
      std::uint64_t id = StreamGroup::NewId());

  ServerCore(EventLoop& loop, ListenSocket socket, sys::UniqueFd reserve, GiveListener give,
             ServerOptions options, std::uint64_t id);

  void StopAccepting();
  // The server goes away.
  void End();

  const Endpoint& endpoint() const { return endpoint_; }
  StreamGroup& group() { return *group_; }
  // A connection that is gone takes a place still, or no more.
  void Hold() { ++held_; }
  void LetGo() {
    --held_;
    StreamGone();
  }

 private:
  bool HasRoom() const override { return group_->size() + held_ < options_.connections_max; }
  int Accepted(sys::UniqueFd socket) override;
  void AcceptFailed(int error) override;
  void StreamGone() override;

  const Endpoint endpoint_;
  const GiveListener give_;
  const ServerOptions options_;
  const std::shared_ptr<StreamGroup> group_;
  Acceptor acceptor_;
  SocketFile file_;  // goes before the socket is closed
  bool accepting_ = true;
  bool failing_ = false;  // nothing was accepted since accepting failed
  std::size_t held_ = 0;
};

}  // namespace belfry
