// What a program does with servers.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <memory>
#include <utility>

#include "belfry/connection_events.h"
#include "belfry/manual_executor.h"
#include "belfry/server.h"
#include "belfry/subscription_bag.h"
#include "io/recorder.h"
#include "io/sweep.h"

namespace belfry {
namespace {

const sockaddr* AddressOf(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr*>(endpoint.sockaddr_bytes().data());
}
socklen_t SizeOf(const Endpoint& endpoint) {
  return static_cast<socklen_t>(endpoint.sockaddr_bytes().size());
}

// One who has come; the server may accept it later.
Peer Comer(const Endpoint& endpoint) {
  Peer comer(::socket(AddressOf(endpoint)->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::connect(comer.fd(), AddressOf(endpoint), SizeOf(endpoint));
  return comer;
}

// Says something. Whether it is answered, and not turned away.
bool IsAnswered(Stage& stage, Peer comer) {
  comer.Write("hello");
  stage.Until([&] { return comer.Read() == "hello" || comer.ended(); });
  return comer.Read() == "hello";
}

std::string Serve(Stage& stage, const Endpoint& endpoint) {
  std::deque<Heard> heard;
  int refused = 0;
  const auto server = Server::Listen(
      stage.loop, endpoint,
      [&] { return std::make_unique<Witness>(heard.emplace_back(), Witness::Does::kEcho); },
      {.share_port = true, .accept_failed = [&](int error) { refused = error; }});
  if (!server.ok()) return std::string(server.status().message());
  const bool served = IsAnswered(stage, Comer((*server)->endpoint()));
  stage.Until([&] { return heard.empty() ? refused != 0 : heard.front().gone; });
  if (refused != 0) return ErrorText(refused);
  if (heard.front().error != 0) return ErrorText(heard.front().error);
  return served ? "" : "the one who came was not served";
}

std::string ServeOverTcp(Stage& stage) { return Serve(stage, *Endpoint::Parse("127.0.0.1:0")); }

std::string ServeOverAUnixSocket(Stage& stage) {
  const TemporaryFolder folder;
  const std::string outcome = Serve(stage, *Endpoint::Parse("unix:" + folder / "socket"));
  if (stage.fails != sys::Call::kStat && stage.fails != sys::Call::kUnlink) {
    EXPECT_EQ(folder.entries(), 0U) << "the socket's file is left";
  }
  return outcome;
}

std::string ServeWhereADeadServersFileIs(Stage& stage) {
  const TemporaryFolder folder;
  const Endpoint endpoint = *Endpoint::Parse("unix:" + folder / "socket");
  {
    const Peer dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(dead.fd(), AddressOf(endpoint), SizeOf(endpoint)), 0);
  }
  return Serve(stage, endpoint);
}

// Lets the process have no more descriptors than it has.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit low{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

// Who comes then is turned away; who comes when there are some again is served.
std::string ServeWithoutADescriptorLeft(Stage& stage) {
  std::deque<Heard> heard;
  int refused = 0;
  const auto server = Server::Listen(
      stage.loop, *Endpoint::Parse("127.0.0.1:0"),
      [&] { return std::make_unique<Witness>(heard.emplace_back(), Witness::Does::kEcho); },
      {.accept_failed = [&](int error) { refused = error; }});
  if (!server.ok()) return std::string(server.status().message());
  Peer comer = Comer((*server)->endpoint());
  {
    const NoMoreDescriptors none;
    stage.Until([&] { return refused != 0; });
  }
  const bool turned_away = !IsAnswered(stage, std::move(comer));
  const bool served = IsAnswered(stage, Comer((*server)->endpoint()));
  for (const Heard& one : heard) {
    if (one.error != 0) return ErrorText(one.error);
  }
  if (refused != EMFILE || !served) return ErrorText(refused);
  return turned_away || stage.fails == sys::Call::kAccept ? "" : "nobody was turned away";
}

std::string ServeByEvents(Stage& stage) {
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  ConnectionEvents connections(stage.loop, dispatcher);
  int open = 0;
  bool came = false;
  int error = 0;
  SubscriptionBag listeners;
  const ListenerOptions at_once = {.run = Run::kInline};
  listeners += dispatcher.Subscribe([&](const ConnectionOpened&) { came = ++open > 0; }, at_once);
  listeners += dispatcher.Subscribe(
      [&](const DataReceived& e) { connections.Write(e.connection, e.data); }, at_once);
  listeners += dispatcher.Subscribe([&](const AcceptFailed& e) { error = e.error; }, at_once);
  listeners += dispatcher.Subscribe(
      [&](const ConnectionClosed& e) {
        --open;
        if (e.error != 0) error = e.error;
      },
      at_once);
  const auto endpoint = connections.Listen(*Endpoint::Parse("127.0.0.1:0"));
  if (!endpoint.ok()) return std::string(endpoint.status().message());
  const bool served = IsAnswered(stage, Comer(*endpoint));
  stage.Until([&] { return (came || error != 0) && open == 0; });
  if (error != 0) return ErrorText(error);
  return served ? "" : "the one who came was not served";
}

}  // namespace

const std::vector<Operation>& ServerOperations() {
  using sys::Call;
  static const std::vector<Operation> operations = {
      // The third is TCP_NODELAY: without it all is only slower.
      {"ServeOverTcp", ServeOverTcp, {{Call::kSetsockopt, 3}}},
      {"ServeOverAUnixSocket", ServeOverAUnixSocket, {{Call::kStat}, {Call::kUnlink}}},
      {"ServeWhereADeadServersFileIs",
       ServeWhereADeadServersFileIs,
       {{Call::kBind, 1}, {Call::kConnect}, {Call::kStat}, {Call::kUnlink}},
       EADDRINUSE},
      {"ServeWithoutADescriptorLeft",
       ServeWithoutADescriptorLeft,
       // Who is not turned away waits until there is one; the one in reserve is taken later.
       {{Call::kAccept}, {Call::kOpen, 2}, {Call::kOpen, 3}, {Call::kSetsockopt, 2}},
       EMFILE},  // told once
      {"ServeByEvents", ServeByEvents, {{Call::kSetsockopt, 2}, {Call::kGetpeername}}},
  };
  return operations;
}

}  // namespace belfry
