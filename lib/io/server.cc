#include "belfry/server.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "belfry/check.h"
#include "io/server_core.h"
#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {
namespace {

absl::Status Check(const ServerOptions& options) {
  if (options.connections_max == 0) {
    return absl::InvalidArgumentError("ServerOptions::connections_max is 0");
  }
  if (options.backlog <= 0) {
    return absl::InvalidArgumentError("ServerOptions::backlog is not above 0");
  }
  return StreamGroup::Check(options.connections);
}

}  // namespace

ServerCore::ServerCore(EventLoop& loop, ListenSocket socket, sys::UniqueFd reserve,
                       GiveListener give, ServerOptions options, std::uint64_t id)
    : endpoint_(std::move(socket.endpoint)),
      give_(std::move(give)),
      options_(std::move(options)),
      group_(std::make_shared<StreamGroup>(loop, options_.connections, id)),
      acceptor_(loop, *this, std::move(socket.fd), std::move(reserve)),
      file_(std::move(socket.file)) {}

absl::StatusOr<std::shared_ptr<ServerCore>> ServerCore::Listen(EventLoop& loop,
                                                               const Endpoint& endpoint,
                                                               GiveListener give,
                                                               ServerOptions options,
                                                               std::uint64_t id) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  absl::StatusOr<ListenSocket> socket =
      OpenListenSocket(endpoint, options.backlog, options.share_port);
  if (!socket.ok()) return socket.status();
  sys::UniqueFd reserve = Acceptor::OpenReserve();
  if (!reserve) return sys::ErrorStatus(errno, "open", "/dev/null");
  auto core = std::make_shared<ServerCore>(loop, *std::move(socket), std::move(reserve),
                                           std::move(give), std::move(options), id);
  core->group_->SetOwner(core.get());
  try {
    core->acceptor_.Start(core);
  } catch (const std::system_error& error) {
    return sys::ErrorStatus(error.code().value(), "watch the listening socket of", endpoint.text());
  }
  return core;
}

int ServerCore::Accepted(sys::UniqueFd socket) {
  HeldListener listener = give_();
  if (listener.get() == nullptr) return 0;
  failing_ = false;
  Stream* accepted = nullptr;
  try {
    accepted = &group_->AddOpen(std::move(socket), std::move(listener));
  } catch (const std::system_error& error) {
    return error.code().value();  // the system watches too many descriptors, or has no memory
  }
  accepted->OpenAccepted();
  return 0;
}

void ServerCore::AcceptFailed(int error) {
  if (!std::exchange(failing_, true) && options_.accept_failed) options_.accept_failed(error);
}

void ServerCore::StreamGone() {
  if (accepting_ && HasRoom()) acceptor_.RoomAgain();
}

void ServerCore::StopAccepting() {
  if (!std::exchange(accepting_, false)) return;
  file_.Remove();
  acceptor_.Stop();
}

void ServerCore::End() {
  StopAccepting();
  group_->End();
}

// --- Server ---

absl::StatusOr<std::unique_ptr<Server>> Server::Listen(EventLoop& loop, const Endpoint& endpoint,
                                                       ConnectionListener& listener,
                                                       ServerOptions options) {
  auto core = ServerCore::Listen(
      loop, endpoint, [&listener] { return HeldListener(listener); }, std::move(options));
  if (!core.ok()) return core.status();
  return std::unique_ptr<Server>(new Server(*std::move(core)));
}

absl::StatusOr<std::unique_ptr<Server>> Server::Listen(EventLoop& loop, const Endpoint& endpoint,
                                                       MakeConnectionListener make,
                                                       ServerOptions options) {
  BELFRY_CHECK(make, "a server needs something that makes listeners");
  auto core = ServerCore::Listen(
      loop, endpoint, [make = std::move(make)] { return HeldListener(make()); },
      std::move(options));
  if (!core.ok()) return core.status();
  return std::unique_ptr<Server>(new Server(*std::move(core)));
}

Server::Server(std::shared_ptr<ServerCore> core) : core_(std::move(core)) {}
Server::~Server() {
  if (core_ != nullptr) core_->End();
}

const Endpoint& Server::endpoint() const { return core_->endpoint(); }
std::size_t Server::connections() const { return core_->group().open(); }
void Server::ForEach(const std::function<void(Connection&)>& visit) {
  core_->group().ForEach([&](Stream& stream) { visit(stream); });
}
void Server::StopAccepting() { core_->StopAccepting(); }
void Server::CloseAll() {
  core_->StopAccepting();
  core_->group().CloseAll(ConnectionClosed::Why::kShutdown);
}
void Server::Defer(ConnectionId connection, std::function<void(Connection&)> work) {
  core_->group().Defer(connection, std::move(work));
}

}  // namespace belfry
