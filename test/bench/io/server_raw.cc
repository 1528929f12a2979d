// The floor: epoll by hand, level-triggered, one read and one write a message.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "bench/io/fail.h"
#include "bench/io/frames.h"
#include "bench/io/server.h"
#include "bench/io/unsent.h"

namespace bench {
namespace {

struct Peer {
  int fd;
  bool waits_to_write = false;
  Unsent unsent;
  FrameSplitter frames;
};

class RawServer {
 public:
  explicit RawServer(const ServerOptions& options)
      : options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(Listen(options.port)) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event) != 0) Fail("epoll_ctl");
    PrintPortOf(listener_);
  }

  [[noreturn]] void Run() {
    std::array<epoll_event, 1024> ready;
    for (;;) {
      const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<std::size_t>(i)];
        auto* const peer = static_cast<Peer*>(event.data.ptr);
        if (peer == nullptr) {
          Accept();
        } else if ((event.events & EPOLLOUT) != 0) {
          peer->unsent.Flush(peer->fd);
          UpdateInterest(*peer);
        } else {
          Read(*peer);
        }
      }
    }
  }

 private:
  void Accept() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      auto* const peer = new Peer{.fd = fd, .unsent = {}, .frames = {}};
      epoll_event event{.events = EPOLLIN, .data = {.ptr = peer}};
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Fail("epoll_ctl");
    }
  }

  void Read(Peer& peer) {
    const ssize_t got = ::read(peer.fd, buffer_.data(), buffer_.size());
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) return;
      ::close(peer.fd);
      delete &peer;
      return;
    }
    const std::string_view data(buffer_.data(), static_cast<std::size_t>(got));
    if (options_.framed) {
      Answer(peer, data);
    } else {
      peer.unsent.Write(peer.fd, data);
    }
    UpdateInterest(peer);
  }

  void Answer(Peer& peer, std::string_view data) {
    if (!options_.corked) {
      peer.frames.Split(data, [&](std::string_view frame) { peer.unsent.Write(peer.fd, frame); });
      return;
    }
    cork_.clear();
    peer.frames.Split(data, [&](std::string_view frame) { cork_.append(frame); });
    if (!cork_.empty()) peer.unsent.Write(peer.fd, cork_);
  }

  // Who does not read is not read.
  void UpdateInterest(Peer& peer) {
    const bool waits = !peer.unsent.empty();
    if (waits == peer.waits_to_write) return;
    peer.waits_to_write = waits;
    epoll_event event{.events = waits ? EPOLLOUT : EPOLLIN, .data = {.ptr = &peer}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, peer.fd, &event) != 0) Fail("epoll_ctl");
  }

  const ServerOptions options_;
  const int epoll_;
  const int listener_;
  std::array<char, kReadBuffer> buffer_;
  std::string cork_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  static bench::RawServer server(bench::ReadServerOptions(argc, argv));
  server.Run();
}
