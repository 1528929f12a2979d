// libevent's events: reading and writing by hand.
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "bench/io/fail.h"
#include "bench/io/frames.h"
#include "bench/io/server.h"
#include "bench/io/unsent.h"

namespace bench {
namespace {

struct Peer {
  event* readable = nullptr;
  event* writable = nullptr;  // while something is unsent
  Unsent unsent;
  FrameSplitter frames;
};

ServerOptions options;
std::array<char, kReadBuffer> buffer;

// Who does not read is not read.
void OnWritable(evutil_socket_t fd, short, void* context) {
  auto& peer = *static_cast<Peer*>(context);
  peer.unsent.Flush(fd);
  if (!peer.unsent.empty()) return;
  event_free(peer.writable);
  peer.writable = nullptr;
  event_add(peer.readable, nullptr);
}

void OnReadable(evutil_socket_t fd, short, void* context) {
  auto& peer = *static_cast<Peer*>(context);
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got <= 0) {
    if (got < 0 && errno == EAGAIN) return;
    event_free(peer.readable);
    ::close(fd);
    delete &peer;
    return;
  }
  const std::string_view data(buffer.data(), static_cast<std::size_t>(got));
  if (options.framed) {
    peer.frames.Split(data, [&](std::string_view frame) { peer.unsent.Write(fd, frame); });
  } else {
    peer.unsent.Write(fd, data);
  }
  if (peer.unsent.empty()) return;
  event_del(peer.readable);
  peer.writable =
      event_new(event_get_base(peer.readable), fd, EV_WRITE | EV_PERSIST, OnWritable, &peer);
  event_add(peer.writable, nullptr);
}

void OnConnection(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  auto* const peer = new Peer;
  peer->readable =
      event_new(evconnlistener_get_base(listener), fd, EV_READ | EV_PERSIST, OnReadable, peer);
  event_add(peer->readable, nullptr);
}

void Run() {
  event_base* const base = event_base_new();
  const int fd = Listen(options.port);
  if (evconnlistener_new(base, OnConnection, nullptr, LEV_OPT_CLOSE_ON_EXEC, 0, fd) == nullptr) {
    Fail("evconnlistener_new");
  }
  PrintPortOf(fd);
  event_base_dispatch(base);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::options = bench::ReadServerOptions(argc, argv);
  bench::Run();
}
