#include "belfry/tcp_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/acceptor.h"
#include "io/connection.h"
#include "io/listen_socket.h"
#include "sync/sync.h"
#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {
namespace {

absl::Status CheckOptions(const TcpServerOptions& options) {
  if (options.connections_max == 0) {
    return absl::InvalidArgumentError("TcpServerOptions::connections_max is 0");
  }
  if (options.read_bytes_max == 0) {
    return absl::InvalidArgumentError("TcpServerOptions::read_bytes_max is 0");
  }
  if (options.backlog <= 0) {
    return absl::InvalidArgumentError("TcpServerOptions::backlog is not above 0");
  }
  return absl::OkStatus();
}

}  // namespace

class TcpServer::Impl final : public std::enable_shared_from_this<TcpServer::Impl>,
                              public AcceptorOwner,
                              public ConnectionHost {
 public:
  Impl(EventLoop& loop, Dispatcher& dispatcher, TcpServerOptions options, ListenSocket socket,
       sys::UniqueFd reserve)
      : loop_(loop),
        dispatcher_(dispatcher),
        options_(std::move(options)),
        port_(socket.port),
        acceptor_(loop, *this, std::move(socket.fd), std::move(reserve)),
        read_buffer_(options_.read_bytes_max) {}

  void Start() {
    source_ = dispatcher_.AddSource("tcp " + options_.address + ":" + std::to_string(port_),
                                    [weak = weak_from_this(), &loop = loop_] {
                                      loop.Post([weak] {
                                        if (const auto self = weak.lock()) self->CloseAll();
                                      });
                                    });
    id_ = source_.id();
    acceptor_.Start(shared_from_this());
  }

  // The server goes away. Listeners that run inside of this cannot wait for the loop.
  void End() {
    source_ = Source();
    const ExecutorScope scope(loop_);
    acceptor_.Stop();
    for (const auto& connection : AllConnections()) connection->Abort(Connection::Why::kShutdown);
    // What the dispatcher still refuses is not published any more.
    const auto last = std::exchange(connections_, {});
  }

  // Runs `work` on the loop, now if this is its thread, with the server, if that is there then.
  template <class F>
  void OnLoop(F work) {
    if (loop_.in_loop_thread()) {
      const auto self = shared_from_this();
      work(*self);
      return;
    }
    loop_.Post([weak = weak_from_this(), work = std::move(work)]() mutable {
      if (const auto self = weak.lock()) work(*self);
    });
  }

  // The same with a connection.
  template <class F>
  void OnConnection(ConnectionId id, F work) {
    if (id.server != id_) return;  // of another server
    OnLoop([number = id.number, work = std::move(work)](Impl& self) mutable {
      const auto found = self.connections_.find(number);
      if (found == self.connections_.end()) return;
      const std::shared_ptr<Connection> connection = found->second;
      work(*connection);
    });
  }

  void StopAccepting() { acceptor_.Stop(); }

  std::uint16_t port() const { return port_; }
  std::uint64_t id() const { return id_; }
  std::size_t connections() const { return open_.load(std::memory_order_relaxed); }

  bool HasRoom() const override { return connections_.size() < options_.connections_max; }
  bool Accepted(sys::UniqueFd socket, std::string peer) override;

  std::vector<char>& read_buffer() override { return read_buffer_; }
  void ConnectionEnded() override { open_.fetch_sub(1, std::memory_order_relaxed); }
  void Forget(std::uint64_t number) override {
    connections_.erase(number);
    if (HasRoom()) acceptor_.RoomAgain();
  }

 private:
  std::vector<std::shared_ptr<Connection>> AllConnections() const {
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(connections_.size());
    for (const auto& [number, connection] : connections_) all.push_back(connection);
    return all;
  }

  void CloseAll() {
    acceptor_.Stop();
    for (const auto& connection : AllConnections()) connection->Close(Connection::Why::kShutdown);
  }

  EventLoop& loop_;
  Dispatcher& dispatcher_;
  const TcpServerOptions options_;
  const std::uint16_t port_;
  std::uint64_t id_ = 0;
  Source source_;
  Acceptor acceptor_;
  std::vector<char> read_buffer_;
  // Those whose events are not all out yet, also when their descriptor is closed: so full queues
  // stop the accepting.
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::uint64_t last_number_ = 0;
  sync::Atomic<std::size_t> open_{0};
};

bool TcpServer::Impl::Accepted(sys::UniqueFd socket, std::string peer) {
  // Answers leave at once; who writes little by little pays with packets. Failing, it is only
  // slower.
  sys::Setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  const ConnectionId id{id_, ++last_number_};
  const auto connection = std::make_shared<Connection>(loop_, dispatcher_, options_,
                                                       shared_from_this(), id, std::move(socket));
  try {
    connection->Watch();
  } catch (const std::system_error&) {
    return false;  // the system watches too many descriptors, or has no memory
  }
  connections_.emplace(id.number, connection);
  open_.fetch_add(1, std::memory_order_relaxed);
  connection->PublishOpened(std::move(peer));
  return true;
}

absl::StatusOr<std::unique_ptr<TcpServer>> TcpServer::Listen(EventLoop& loop,
                                                             Dispatcher& dispatcher,
                                                             TcpServerOptions options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  absl::StatusOr<ListenSocket> socket =
      OpenListenSocket(options.address, options.port, options.backlog);
  if (!socket.ok()) return socket.status();
  sys::UniqueFd reserve = Acceptor::OpenReserve();
  if (!reserve) return sys::ErrorStatus(errno, "open", "/dev/null");
  auto impl = std::make_shared<Impl>(loop, dispatcher, std::move(options), *std::move(socket),
                                     std::move(reserve));
  try {
    impl->Start();
  } catch (const std::system_error& error) {
    return sys::ErrorStatus(error.code().value(), "watch the listening socket of", error.what());
  }
  return std::unique_ptr<TcpServer>(new TcpServer(std::move(impl)));
}

TcpServer::TcpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpServer::~TcpServer() { impl_->End(); }

std::uint16_t TcpServer::port() const { return impl_->port(); }
std::uint64_t TcpServer::id() const { return impl_->id(); }
std::size_t TcpServer::connections() const { return impl_->connections(); }

void TcpServer::Write(ConnectionId connection, std::string data) {
  impl_->OnConnection(
      connection, [data = std::move(data)](Connection& c) mutable { c.Write(std::move(data)); });
}
void TcpServer::Close(ConnectionId connection) {
  impl_->OnConnection(connection, [](Connection& c) { c.Close(Connection::Why::kLocal); });
}
void TcpServer::Abort(ConnectionId connection) {
  impl_->OnConnection(connection, [](Connection& c) { c.Abort(Connection::Why::kLocal); });
}
void TcpServer::PauseReading(ConnectionId connection) {
  impl_->OnConnection(connection, [](Connection& c) { c.PauseReading(); });
}
void TcpServer::ResumeReading(ConnectionId connection) {
  impl_->OnConnection(connection, [](Connection& c) { c.ResumeReading(); });
}
void TcpServer::StopAccepting() {
  impl_->OnLoop([](Impl& impl) { impl.StopAccepting(); });
}

}  // namespace belfry
