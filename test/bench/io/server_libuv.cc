// libuv as its users write it: a read callback, uv_try_write first, uv_write for the rest.
#include <uv.h>

#include <array>
#include <string>
#include <string_view>

#include "bench/io/fail.h"
#include "bench/io/frames.h"
#include "bench/io/server.h"

namespace bench {
namespace {

struct Peer {
  uv_tcp_t handle;
  FrameSplitter frames;
};

struct PendingWrite {
  uv_write_t request;
  std::string data;
};

ServerOptions options;
std::array<char, kReadBuffer> buffer;
std::string cork;

Peer& PeerOf(uv_stream_t* stream) { return *static_cast<Peer*>(stream->data); }

uv_buf_t BufferOf(std::string_view data) {
  return uv_buf_init(const_cast<char*>(data.data()), static_cast<unsigned>(data.size()));
}

void Write(uv_stream_t* stream, std::string_view data) {
  uv_buf_t all = BufferOf(data);
  const int sent = uv_try_write(stream, &all, 1);
  if (sent == static_cast<int>(data.size())) return;
  if (sent < 0 && sent != UV_EAGAIN) return;  // the next read finds it as well
  auto* const pending =
      new PendingWrite{{}, std::string(data.substr(sent < 0 ? 0 : static_cast<std::size_t>(sent)))};
  pending->request.data = pending;
  uv_buf_t rest = BufferOf(pending->data);
  uv_write(&pending->request, stream, &rest, 1,
           [](uv_write_t* request, int) { delete static_cast<PendingWrite*>(request->data); });
}

void Answer(uv_stream_t* stream, std::string_view data) {
  FrameSplitter& frames = PeerOf(stream).frames;
  if (!options.corked) {
    frames.Split(data, [stream](std::string_view frame) { Write(stream, frame); });
    return;
  }
  cork.clear();
  frames.Split(data, [](std::string_view frame) { cork.append(frame); });
  if (!cork.empty()) Write(stream, cork);
}

void OnAllocate(uv_handle_t*, std::size_t, uv_buf_t* result) {
  *result = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

void OnRead(uv_stream_t* stream, ssize_t got, const uv_buf_t* read) {
  if (got < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream),
             [](uv_handle_t* handle) { delete static_cast<Peer*>(handle->data); });
    return;
  }
  const std::string_view data(read->base, static_cast<std::size_t>(got));
  if (options.framed) {
    Answer(stream, data);
  } else if (got > 0) {
    Write(stream, data);
  }
}

void OnConnection(uv_stream_t* listener, int status) {
  if (status != 0) return;
  auto* const peer = new Peer;
  uv_tcp_init(listener->loop, &peer->handle);
  peer->handle.data = peer;
  auto* const stream = reinterpret_cast<uv_stream_t*>(&peer->handle);
  if (uv_accept(listener, stream) != 0) Fail("uv_accept");
  uv_read_start(stream, OnAllocate, OnRead);
}

void Run() {
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  uv_tcp_init(loop, &listener);
  const int fd = Listen(options.port);
  uv_tcp_open(&listener, fd);
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), kBacklog, OnConnection) != 0) {
    Fail("uv_listen");
  }
  PrintPortOf(fd);
  uv_run(loop, UV_RUN_DEFAULT);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::options = bench::ReadServerOptions(argc, argv);
  bench::Run();
}
