#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/io/fail.h"
#include "bench/io/load.h"
#include "bench/io/sockets.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLostAfter = 20'000;  // ms

}  // namespace

Visits::Visits(const LoadOptions& options, std::size_t visitors)
    : options_(options),
      meter_(options.server),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      visitors_(visitors) {}

Visits::~Visits() { ::close(epoll_); }

LoadResult Visits::Run(Milliseconds warm, Milliseconds measured) {
  for (Visitor& visitor : visitors_) Come(visitor);
  const Clock::time_point begin = Clock::now() + warm;
  while (Clock::now() < begin) Turn(true);

  const std::uint64_t before = done_;
  meter_.Begin();
  const Clock::time_point end = Clock::now() + measured;
  while (Clock::now() < end) Turn(true);
  LoadResult result;
  result.usage = meter_.End();
  result.messages = done_ - before;
  while (present_ > 0) Turn(false);
  return result;
}

void Visits::Come(Visitor& visitor) {
  visitor.number = come_++;
  visitor.received = 0;
  visitor.fd = Connect(options_.port, visitor.number);
  ++present_;
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &visitor}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, visitor.fd, &event) != 0) Fail("epoll_ctl");
  SendAll(visitor.fd, MessageOf(0, visitor.number));
}

void Visits::Turn(bool come_again) {
  std::array<epoll_event, 256> ready;
  const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), kLostAfter);
  if (count == 0) FailWith("nothing comes back any more");
  for (int i = 0; i < count; ++i) {
    auto& visitor = *static_cast<Visitor*>(ready[static_cast<std::size_t>(i)].data.ptr);
    if (!Receive(visitor)) continue;
    ::close(visitor.fd);
    --present_;
    ++done_;
    if (come_again) Come(visitor);
  }
}

bool Visits::Receive(Visitor& visitor) {
  std::array<char, kMessage> data;
  const ssize_t got = ::recv(visitor.fd, data.data(), kMessage - visitor.received, 0);
  if (got < 0 && errno == EAGAIN) return false;
  if (got < 0) Fail("recv");
  if (got == 0) FailWith("the server closed a connection");
  const auto expected = MessageOf(0, visitor.number);
  const auto size = static_cast<std::size_t>(got);
  if (std::memcmp(expected.data() + visitor.received, data.data(), size) != 0) {
    FailWith("not what was sent");
  }
  visitor.received += size;
  return visitor.received == kMessage;
}

}  // namespace bench
