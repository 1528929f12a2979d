// The load: clients of an echo server, on one thread, over epoll by hand.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "bench/io/meter.h"

namespace bench {

struct LoadOptions {
  std::uint16_t port = 0;
  pid_t server = 0;           // whose use of the processor is measured; 0: nobody's
  std::size_t in_flight = 1;  // messages of each connection that are on their way
};

struct LoadResult {
  std::uint64_t messages = 0;  // or visits
  Usage usage;
  std::vector<std::uint64_t>
      latencies;  // ns, of each message; of one connection with one in flight
};

using Milliseconds = std::chrono::milliseconds;

// Connections that stay. Every byte that comes back is compared with what was sent.
class Clients {
 public:
  explicit Clients(const LoadOptions& options);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // Connects until there are `total`; each new one has its first message echoed.
  void Open(std::size_t total);
  // Messages for `warm` and then for `measured`, which is reported. All have come back when it
  // returns.
  LoadResult Run(Milliseconds warm, Milliseconds measured);
  // So many messages.
  void Exchange(std::uint64_t messages);

 private:
  struct Client {
    int fd;
    std::uint64_t sent = 0;            // messages
    std::uint64_t received_bytes = 0;  // so many of what it sent came back
  };

  static constexpr std::uint64_t kUnbounded = std::numeric_limits<std::uint64_t>::max();

  void Fill();  // as many as may be in flight, for all
  void Drain();
  void Turn();
  void Receive(std::uint64_t index);
  void Check(std::uint64_t index, const char* data, std::size_t size);
  void Send(std::uint64_t index, std::uint64_t messages);

  const LoadOptions options_;
  Meter meter_;
  const int epoll_;
  std::vector<Client> clients_;
  std::uint64_t may_send_ = 0;
  std::uint64_t on_their_way_ = 0;
  std::uint64_t received_ = 0;
  bool takes_time_ = false;
  std::chrono::steady_clock::time_point sent_at_;
  std::vector<std::uint64_t> latencies_;
  std::array<char, 65536> buffer_;
  std::vector<char> out_;
};

// Connections that come and go: connect, send a message, read its echo, close; `visitors` at once.
class Visits {
 public:
  Visits(const LoadOptions& options, std::size_t visitors);
  ~Visits();
  Visits(const Visits&) = delete;
  Visits& operator=(const Visits&) = delete;

  LoadResult Run(Milliseconds warm, Milliseconds measured);

 private:
  struct Visitor {
    int fd = -1;
    std::uint64_t number = 0;
    std::size_t received = 0;
  };

  void Come(Visitor& visitor);
  void Turn(bool come_again);
  bool Receive(Visitor& visitor);  // whether all of it is there

  const LoadOptions options_;
  Meter meter_;
  const int epoll_;
  std::vector<Visitor> visitors_;
  std::size_t present_ = 0;
  std::uint64_t come_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace bench
