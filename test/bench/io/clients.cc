#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bench/io/fail.h"
#include "bench/io/load.h"
#include "bench/io/sockets.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLostAfter = 20'000;  // ms without any message that comes back

}  // namespace

Clients::Clients(const LoadOptions& options)
    : options_(options), meter_(options.server), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

Clients::~Clients() {
  for (const Client& client : clients_) ::close(client.fd);
  ::close(epoll_);
}

void Clients::Open(std::size_t total) {
  constexpr std::size_t kAtOnce = 64;  // never more than a backlog holds
  while (clients_.size() < total) {
    const std::size_t end = std::min(total, clients_.size() + kAtOnce);
    while (clients_.size() < end) {
      const std::size_t index = clients_.size();
      const int fd = Connect(options_.port, index);
      epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Fail("epoll_ctl");
      clients_.push_back({.fd = fd});
      may_send_ = 1;
      Send(index, 1);
    }
    Drain();
  }
  takes_time_ = total == 1 && options_.in_flight == 1;
}

LoadResult Clients::Run(Milliseconds warm, Milliseconds measured) {
  may_send_ = kUnbounded;
  Fill();
  const Clock::time_point begin = Clock::now() + warm;
  while (Clock::now() < begin) Turn();

  latencies_.clear();
  const std::uint64_t before = received_;
  meter_.Begin();
  const Clock::time_point end = Clock::now() + measured;
  while (Clock::now() < end) Turn();
  LoadResult result;
  result.usage = meter_.End();
  result.messages = received_ - before;
  result.latencies = std::exchange(latencies_, {});
  Drain();
  return result;
}

void Clients::Exchange(std::uint64_t messages) {
  may_send_ = messages;
  Fill();
  while (may_send_ > 0) Turn();
  Drain();
}

void Clients::Fill() {
  for (std::uint64_t index = 0; index < clients_.size(); ++index) Send(index, options_.in_flight);
}

void Clients::Drain() {
  may_send_ = 0;
  while (on_their_way_ > 0) Turn();
}

void Clients::Turn() {
  std::array<epoll_event, 1024> ready;
  const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), kLostAfter);
  if (count == 0) FailWith("nothing comes back any more");
  for (int i = 0; i < count; ++i) Receive(ready[static_cast<std::size_t>(i)].data.u64);
}

void Clients::Receive(std::uint64_t index) {
  Client& client = clients_[index];
  const ssize_t got = ::recv(client.fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got < 0) Fail("recv");
  if (got == 0) FailWith("the server closed a connection");
  const std::uint64_t before = client.received_bytes / kMessage;
  Check(index, buffer_.data(), static_cast<std::size_t>(got));
  const std::uint64_t messages = client.received_bytes / kMessage - before;
  received_ += messages;
  on_their_way_ -= messages;
  if (takes_time_ && messages > 0) {
    const auto time = std::chrono::nanoseconds(Clock::now() - sent_at_);
    latencies_.push_back(static_cast<std::uint64_t>(time.count()));
  }
  Send(index, messages);
}

void Clients::Check(std::uint64_t index, const char* data, std::size_t size) {
  Client& client = clients_[index];
  if (client.received_bytes + size > client.sent * kMessage) FailWith("more than was sent");
  while (size > 0) {
    const auto message = MessageOf(index, client.received_bytes / kMessage);
    const std::size_t from = client.received_bytes % kMessage;
    const std::size_t part = std::min(size, kMessage - from);
    if (std::memcmp(message.data() + from, data, part) != 0) FailWith("not what was sent");
    client.received_bytes += part;
    data += part;
    size -= part;
  }
}

void Clients::Send(std::uint64_t index, std::uint64_t messages) {
  messages = std::min(messages, may_send_);
  if (messages == 0) return;
  if (may_send_ != kUnbounded) may_send_ -= messages;
  Client& client = clients_[index];
  out_.clear();
  for (std::uint64_t i = 0; i < messages; ++i) {
    const auto message = MessageOf(index, client.sent++);
    out_.insert(out_.end(), message.begin(), message.end());
  }
  on_their_way_ += messages;
  if (takes_time_) sent_at_ = Clock::now();
  SendAll(client.fd, out_);
}

}  // namespace bench
