// What a program does with connections of its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>

#include "io/client.h"
#include "io/recorder.h"
#include "io/sweep.h"

namespace belfry {
namespace {

std::string Outcome(const Heard& heard, bool done) {
  if (heard.error != 0) return ErrorText(heard.error);
  return done ? "" : "it came to nothing";
}

// A plain socket that listens.
class Listening {
 public:
  explicit Listening(const Endpoint& endpoint)
      : socket_(::socket(Address(endpoint)->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(::bind(socket_.fd(), Address(endpoint),
                     static_cast<socklen_t>(endpoint.sockaddr_bytes().size())),
              0);
    EXPECT_EQ(::listen(socket_.fd(), 8), 0);
  }
  Endpoint endpoint() const {
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    EXPECT_EQ(::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
    return Endpoint({reinterpret_cast<const char*>(&bound), size});
  }
  // Whether somebody has come.
  bool Accept(Peer& comer) const {
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) comer = Peer(fd);
    return fd >= 0;
  }

 private:
  static const sockaddr* Address(const Endpoint& endpoint) {
    return reinterpret_cast<const sockaddr*>(endpoint.sockaddr_bytes().data());
  }
  const Peer socket_;
};

// Both ends say something, the peer ends it.
std::string Connect(Stage& stage, const Endpoint& endpoint) {
  const Listening listening(endpoint);
  Heard heard;
  Connector connector(stage.loop);
  const auto id = connector.Connect(listening.endpoint(), std::make_unique<Witness>(heard));
  if (!id.ok()) return std::string(id.status().message());
  connector.Find(*id)->Write("hello");
  Peer peer;
  stage.Until([&] { return heard.closed || listening.Accept(peer); });
  stage.Until([&] { return heard.closed || peer.Read() == "hello"; });
  if (heard.closed) return ErrorText(heard.error);
  peer.Write("answer");
  peer.Close();
  stage.Until([&] { return heard.closed; });
  return Outcome(heard, heard.data == "answer" && heard.ended);
}

std::string ConnectOverTcp(Stage& stage) { return Connect(stage, *Endpoint::Parse("127.0.0.1:0")); }

std::string ConnectToAUnixSocket(Stage& stage) {
  const TemporaryFolder folder;
  return Connect(stage, *Endpoint::Parse("unix:" + folder / "socket"));
}

// Adopts a socket and lets a program do something with it when it is open.
template <class Program>
std::string WithAConnection(Stage& stage, Program program) {
  PeerPair pair;
  const int few = 4096;
  ::setsockopt(pair.ours.fd(), SOL_SOCKET, SO_SNDBUF, &few, sizeof(few));
  Heard heard;
  Connector connector(stage.loop);
  const auto id = connector.Adopt(pair.ours.Release(), std::make_unique<Witness>(heard));
  if (!id.ok()) return std::string(id.status().message());
  stage.Until([&] { return heard.connection != nullptr; });
  const bool done = program(*heard.connection, heard, pair.other);
  pair.other.Close();
  stage.Until([&] { return heard.closed; });
  return Outcome(heard, done);
}

std::string Read(Stage& stage) {
  return WithAConnection(stage, [&](Connection& connection, Heard& heard, Peer& peer) {
    const std::string data = Pattern(8000);
    peer.Write(data.substr(0, 4000));
    stage.Until([&] { return heard.closed || heard.data.size() == 4000; });
    if (heard.closed) return false;
    connection.PauseReading();
    peer.Write(data.substr(4000));
    stage.loop.RunOnce();
    connection.ResumeReading();
    stage.Until([&] { return heard.closed || heard.data.size() == data.size(); });
    return heard.data == data;
  });
}

// More than the system takes at once: small pieces, which are gathered, and one that is not.
std::string Write(Stage& stage) {
  return WithAConnection(stage, [&](Connection& connection, Heard& heard, Peer& peer) {
    const std::string data = Pattern(48 << 10);
    for (std::size_t at = 0; at < (16 << 10); at += 4096) connection.Write(data.substr(at, 4096));
    connection.Write(data.substr(16 << 10));
    stage.Until([&] { return heard.closed || peer.Read().size() == data.size(); });
    return peer.Read() == data;
  });
}

std::string Flush(Stage& stage) {
  return WithAConnection(stage, [&](Connection& connection, Heard& heard, Peer& peer) {
    connection.Write("at once");
    connection.Flush();
    stage.Until([&] { return heard.closed || peer.Read() == "at once"; });
    return peer.Read() == "at once";
  });
}

std::string Defer(Stage& stage) {
  return WithAConnection(stage, [&](Connection& connection, Heard& heard, Peer& peer) {
    connection.Defer([](Connection& later) { later.Write("later"); });
    stage.Until([&] { return heard.closed || peer.Read() == "later"; });
    return peer.Read() == "later";
  });
}

std::string EndWriting(Stage& stage) {
  return WithAConnection(stage, [&](Connection& connection, Heard& heard, Peer& peer) {
    connection.Write("that was all");
    connection.EndWriting();
    stage.Until([&] { return heard.closed || peer.Read() == "that was all"; });
    peer.Write("answer");
    stage.Until([&] { return heard.closed || heard.data == "answer"; });
    return heard.data == "answer";
  });
}

std::string Close(Stage& stage) {
  return WithAConnection(stage, [&](Connection& connection, Heard& heard, Peer& peer) {
    const std::string data = Pattern(12 << 10);
    connection.Write(data);
    connection.Close();
    peer.Write("not read any more");
    stage.Until([&] { return (peer.Read() == data && peer.ended()) || heard.closed; });
    return peer.Read() == data;
  });
}

std::string Abort(Stage& stage) {
  return WithAConnection(stage, [&](Connection& connection, Heard& heard, Peer& peer) {
    connection.Write("never sent");
    connection.Abort();
    stage.Until([&] { return heard.closed && (peer.Read(), peer.ended()); });
    return peer.Read().empty();
  });
}

// What goes into one pipe comes out of it.
std::string AdoptAPipe(Stage& stage) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  Peer writing(pipe[1]);
  Heard reader;
  Heard writer;
  Connector connector(stage.loop);
  const auto reads = connector.Adopt(pipe[0], std::make_unique<Witness>(reader));
  if (!reads.ok()) return std::string(reads.status().message());
  const auto writes = connector.Adopt(writing.Release(), std::make_unique<Witness>(writer));
  if (!writes.ok()) return std::string(writes.status().message());
  connector.Find(*writes)->Write("through a pipe");
  stage.Until([&] { return reader.closed || writer.closed || reader.data == "through a pipe"; });
  if (writer.connection != nullptr) writer.connection->Close();
  stage.Until([&] { return reader.closed && writer.closed; });
  const std::string wrong = Outcome(writer, true);
  return wrong.empty() ? Outcome(reader, reader.data == "through a pipe") : wrong;
}

}  // namespace

const std::vector<Operation>& ConnectionOperations() {
  using sys::Call;
  static const std::vector<Operation> operations = {
      {"ConnectOverTcp", ConnectOverTcp, {{Call::kSetsockopt, 1}}},  // TCP_NODELAY
      {"ConnectToAUnixSocket", ConnectToAUnixSocket},
      {"Read", Read},
      {"Write", Write},
      {"Flush", Flush},
      {"Defer", Defer},
      // The peer is gone: reading will say why.
      {"EndWriting", EndWriting, {{Call::kShutdown}}},
      // What comes after all has been sent is thrown away.
      {"Close", Close, {{Call::kShutdown}, {Call::kRecv}}},
      {"Abort", Abort},
      {"AdoptAPipe", AdoptAPipe},
  };
  return operations;
}

}  // namespace belfry
