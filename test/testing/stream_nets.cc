#include "testing/stream_nets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "belfry/testing/fake_connector.h"
#include "belfry/testing/fake_server.h"
#include "belfry/testing/world.h"
#include "io/client.h"

namespace belfry::testing {
namespace {

using std::chrono::milliseconds;

// --- With sockets ---

class SocketPeer final : public StreamPeer {
 public:
  SocketPeer(EventLoop& loop, Client client) : loop_(loop), client_(std::move(client)) {}
  void Send(const std::string& data) override { client_.Send(data); }
  void End() override { client_.EndSending(); }
  void Reset() override { client_.Reset(); }
  void StopReading() override {}
  std::string Receive(std::size_t size) override {
    std::string data;
    EXPECT_TRUE(Eventually([&] {
      loop_.RunOnce();
      Read(data, size);
      return data.size() == size || ended_;
    }));
    return data;
  }
  std::string Available() override {
    std::string data;
    for (std::size_t before = 1; before != data.size();) {
      before = data.size();
      Read(data, before + 65536);
    }
    return data;
  }
  bool AtEnd() override {
    std::string none;
    Read(none, 1);
    EXPECT_EQ(none, "");
    return ended_;
  }

 private:
  void Read(std::string& data, std::size_t size) {
    std::string some(size - data.size(), '\0');
    if (some.empty()) return;
    const ssize_t got = ::recv(client_.fd(), some.data(), some.size(), MSG_DONTWAIT);
    if (got > 0) data.append(some, 0, static_cast<std::size_t>(got));
    ended_ = ended_ || got == 0 || (got < 0 && errno != EAGAIN);
  }

  EventLoop& loop_;
  Client client_;
  bool ended_ = false;
};

class Sockets final : public StreamNet {
 public:
  explicit Sockets(const std::string& endpoint) : endpoint_(*Endpoint::Parse(endpoint)) {}

  EventLoop& loop() override { return loop_; }
  std::unique_ptr<Server> Listen(ConnectionListener& listener, ServerOptions options) override {
    return Made(Server::Listen(loop_, endpoint_, listener, options));
  }
  std::unique_ptr<Server> Listen(MakeConnectionListener make) override {
    return Made(Server::Listen(loop_, endpoint_, std::move(make)));
  }
  std::unique_ptr<Connector> MakeConnector(const ConnectionOptions& options) override {
    return std::make_unique<Connector>(loop_, options);
  }

  std::unique_ptr<StreamPeer> Open() override {
    const std::string_view address = to_.sockaddr_bytes();
    const auto* const generic = reinterpret_cast<const sockaddr*>(address.data());
    const int fd = ::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, generic, static_cast<socklen_t>(address.size())), 0);
    return std::make_unique<SocketPeer>(loop_, Client::Of(fd));
  }
  Endpoint Answering() override { return Listening(answering_, 16); }
  Endpoint Refusing() override {
    ListeningSocket gone;
    return Listening(gone, 1);
  }
  // Its backlog is full: what comes then is not answered.
  Endpoint Silent() override {
    const Endpoint endpoint = Listening(silent_, 0);
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(others_.Connect(endpoint, nobody_).ok());
    return endpoint;
  }
  std::unique_ptr<StreamPeer> Accept() override {
    return std::make_unique<SocketPeer>(
        loop_, Client::Of(::accept4(answering_.fd, nullptr, nullptr, SOCK_CLOEXEC)));
  }

  void RunUntil(const std::function<bool()>& done) override {
    loop_.RunOnce();
    EXPECT_TRUE(Eventually([&] {
      if (done()) return true;
      loop_.RunOnce(milliseconds(1));
      return done();
    }));
    for (int i = 0; i < 20; ++i) loop_.RunOnce();
  }
  void Pass(Nanoseconds time) override {
    // In a world each timer has its time.
    constexpr Nanoseconds kStep = milliseconds(10);
    for (int i = 0; i < 1000 && time > kStep; ++i, time -= kStep) {
      clock_.Advance(kStep);
      for (int turn = 0; turn < 3; ++turn) loop_.RunOnce();
    }
    clock_.Advance(time);
    for (int turn = 0; turn < 20; ++turn) loop_.RunOnce();
  }

 private:
  struct ListeningSocket {
    int fd = -1;
    ListeningSocket() = default;
    ~ListeningSocket() {
      if (fd >= 0) ::close(fd);
    }
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;
  };
  struct Nobody final : ConnectionListener {
    void OnData(Connection& /*connection*/, std::string_view /*data*/) override {}
  };

  std::unique_ptr<Server> Made(absl::StatusOr<std::unique_ptr<Server>> server) {
    EXPECT_TRUE(server.ok()) << server.status();
    to_ = (*server)->endpoint();
    return *std::move(server);
  }

  static Endpoint Listening(ListeningSocket& socket, int backlog) {
    socket.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const Endpoint any = *Endpoint::Parse("127.0.0.1:0");
    EXPECT_EQ(::bind(socket.fd, reinterpret_cast<const sockaddr*>(any.sockaddr_bytes().data()),
                     static_cast<socklen_t>(any.sockaddr_bytes().size())),
              0);
    EXPECT_EQ(::listen(socket.fd, backlog), 0);
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    EXPECT_EQ(::getsockname(socket.fd, reinterpret_cast<sockaddr*>(&bound), &size), 0);
    return Endpoint({reinterpret_cast<const char*>(&bound), size});
  }

  ManualClock clock_;
  EventLoop loop_{clock_};
  const Endpoint endpoint_;
  Endpoint to_ = endpoint_;
  ListeningSocket answering_;
  ListeningSocket silent_;
  Nobody nobody_;
  Connector others_{loop_};
};

// --- In a world ---

class PlayedPeer final : public StreamPeer {
 public:
  PlayedPeer(World& world, FakePeer peer) : world_(world), peer_(std::move(peer)) {
    peer_.StayOpen();
  }
  void Send(const std::string& data) override { peer_.Send(data); }
  void End() override { peer_.End(); }
  void Reset() override { peer_.Break(ECONNRESET); }
  void StopReading() override {
    stopped_ = true;
    peer_.StopReading();
  }
  std::string Receive(std::size_t size) override {
    const std::size_t there = peer_.received().size() - read_;
    if (stopped_ && there < size) peer_.Read(size - there);
    world_.Run();
    std::string data = peer_.received().substr(read_, size);
    read_ += data.size();
    return data;
  }
  std::string Available() override {
    std::string data = peer_.received().substr(read_);
    read_ += data.size();
    return data;
  }
  bool AtEnd() override { return peer_.told_end() && peer_.received().size() == read_; }

 private:
  World& world_;
  FakePeer peer_;
  bool stopped_ = false;
  std::size_t read_ = 0;
};

class Fakes final : public StreamNet {
 public:
  EventLoop& loop() override { return world_.loop(); }
  std::unique_ptr<Server> Listen(ConnectionListener& listener, ServerOptions options) override {
    return Made(std::make_unique<FakeServer>(world_, listener, options));
  }
  std::unique_ptr<Server> Listen(MakeConnectionListener make) override {
    return Made(std::make_unique<FakeServer>(world_, std::move(make)));
  }
  std::unique_ptr<Connector> MakeConnector(const ConnectionOptions& options) override {
    auto connector = std::make_unique<FakeConnector>(world_, options);
    connector->Answer(Answering().text());
    connector->Silence(Silent().text());
    connector_ = connector.get();
    return connector;
  }

  std::unique_ptr<StreamPeer> Open() override {
    return std::make_unique<PlayedPeer>(world_, server_->Open());
  }
  Endpoint Answering() override { return *Endpoint::Parse("10.0.0.1:7000"); }
  Endpoint Refusing() override { return *Endpoint::Parse("10.0.0.2:7000"); }
  Endpoint Silent() override { return *Endpoint::Parse("10.0.0.3:7000"); }
  std::unique_ptr<StreamPeer> Accept() override {
    return std::make_unique<PlayedPeer>(world_,
                                        connector_->Peers(Answering().text()).at(accepted_++));
  }

  void RunUntil(const std::function<bool()>& done) override {
    world_.Run();
    EXPECT_TRUE(done());
  }
  void Pass(Nanoseconds time) override { world_.RunFor(time); }

 private:
  std::unique_ptr<Server> Made(std::unique_ptr<FakeServer> server) {
    server_ = server.get();
    return server;
  }

  World world_;
  FakeServer* server_ = nullptr;
  FakeConnector* connector_ = nullptr;
  std::size_t accepted_ = 0;
};

}  // namespace

std::unique_ptr<StreamNet> MakeSockets() { return std::make_unique<Sockets>("127.0.0.1:0"); }
std::unique_ptr<StreamNet> MakeUnixSockets() {
  return std::make_unique<Sockets>("unix:@belfry.streams." + std::to_string(::getpid()));
}
std::unique_ptr<StreamNet> MakeFakes() { return std::make_unique<Fakes>(); }

}  // namespace belfry::testing
