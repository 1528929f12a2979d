// libevent's bufferevents: what is written is gathered in a buffer and sent by the loop.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "bench/io/fail.h"
#include "bench/io/frames.h"
#include "bench/io/server.h"

namespace bench {
namespace {

void OnEcho(bufferevent* peer, void*) {
  evbuffer_add_buffer(bufferevent_get_output(peer), bufferevent_get_input(peer));
}

// Its input buffer keeps what is not whole yet.
void OnFrames(bufferevent* peer, void*) {
  static std::array<char, kReadBuffer> buffer;
  evbuffer* const input = bufferevent_get_input(peer);
  for (;;) {
    const ev_ssize_t got = evbuffer_copyout(input, buffer.data(), kFrameHeader);
    if (got < static_cast<ev_ssize_t>(kFrameHeader)) return;
    std::uint32_t length = 0;
    std::memcpy(&length, buffer.data(), kFrameHeader);
    const std::size_t size = kFrameHeader + length;
    if (size > buffer.size() || evbuffer_get_length(input) < size) return;
    evbuffer_remove(input, buffer.data(), size);
    bufferevent_write(peer, buffer.data(), size);
  }
}

void OnEvent(bufferevent* peer, short what, void*) {
  if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) bufferevent_free(peer);
}

void OnConnection(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void* context) {
  const auto& options = *static_cast<const ServerOptions*>(context);
  bufferevent* const peer =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(peer, options.framed ? OnFrames : OnEcho, nullptr, OnEvent, nullptr);
  bufferevent_enable(peer, EV_READ | EV_WRITE);
}

void Run(ServerOptions options) {
  event_base* const base = event_base_new();
  const int fd = Listen(options.port);
  if (evconnlistener_new(base, OnConnection, &options, LEV_OPT_CLOSE_ON_EXEC, 0, fd) == nullptr) {
    Fail("evconnlistener_new");
  }
  PrintPortOf(fd);
  event_base_dispatch(base);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { bench::Run(bench::ReadServerOptions(argc, argv)); }
