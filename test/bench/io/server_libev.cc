// libev: reading and writing by hand.
#include <ev.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "bench/io/frames.h"
#include "bench/io/server.h"
#include "bench/io/unsent.h"

namespace bench {
namespace {

struct Peer {
  ev_io watcher;
  Unsent unsent;
  FrameSplitter frames;
};

ServerOptions options;
std::array<char, kReadBuffer> buffer;

void End(struct ev_loop* loop, Peer& peer) {
  ev_io_stop(loop, &peer.watcher);
  ::close(peer.watcher.fd);
  delete &peer;
}

// Who does not read is not read.
void WaitFor(struct ev_loop* loop, Peer& peer, int events) {
  if ((peer.watcher.events & events) != 0) return;
  ev_io_stop(loop, &peer.watcher);
  ev_io_set(&peer.watcher, peer.watcher.fd, events);
  ev_io_start(loop, &peer.watcher);
}

void OnReady(struct ev_loop* loop, ev_io* watcher, int events) {
  auto& peer = *static_cast<Peer*>(watcher->data);
  const int fd = watcher->fd;
  if ((events & EV_WRITE) != 0) {
    peer.unsent.Flush(fd);
  } else {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) End(loop, peer);
      return;
    }
    const std::string_view data(buffer.data(), static_cast<std::size_t>(got));
    if (options.framed) {
      peer.frames.Split(data, [&](std::string_view frame) { peer.unsent.Write(fd, frame); });
    } else {
      peer.unsent.Write(fd, data);
    }
  }
  WaitFor(loop, peer, peer.unsent.empty() ? EV_READ : EV_WRITE);
}

void OnConnection(struct ev_loop* loop, ev_io* listener, int) {
  for (;;) {
    const int fd = ::accept4(listener->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    auto* const peer = new Peer{};
    peer->watcher.data = peer;
    ev_io_init(&peer->watcher, OnReady, fd, EV_READ);
    ev_io_start(loop, &peer->watcher);
  }
}

void Run() {
  struct ev_loop* const loop = ev_default_loop(EVFLAG_AUTO);
  ev_io listener;
  const int fd = Listen(options.port);
  ev_io_init(&listener, OnConnection, fd, EV_READ);
  ev_io_start(loop, &listener);
  PrintPortOf(fd);
  ev_run(loop, 0);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::options = bench::ReadServerOptions(argc, argv);
  bench::Run();
}
