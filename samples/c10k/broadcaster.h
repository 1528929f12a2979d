// The server's side: each second a line to every client, and what they answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/endpoint.h"
#include "belfry/event_loop.h"
#include "belfry/server.h"
#include "belfry/timer_queue.h"

namespace c10k {

// In lines, but for the first; sent == answered + dropped + those that are still to be answered.
struct Totals {
  std::uint64_t broadcasts = 0;
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;  // with the line that was sent, in the order in which it was
  std::uint64_t dropped = 0;   // the client went without answering
  std::uint64_t wrong = 0;     // anything else that a client sent; it is cut off
};

struct Latency {  // in milliseconds
  double p50 = 0;
  double p99 = 0;
};

// The n-th line is n. A client that joins gets those that follow, and sends each of them back.
//
// Thread safety: the loop's thread. Lifetime: the loop outlives it.
class Broadcaster {
 public:
  explicit Broadcaster(belfry::EventLoop& loop) : loop_(loop) {}
  ~Broadcaster();

  // Errors: see belfry::Server::Listen.
  absl::Status Listen(const belfry::Endpoint& endpoint, std::size_t clients_max);
  const belfry::Endpoint& endpoint() const { return server_->endpoint(); }

  // Sends a line now and then each second, so many, and prints after each second how it went.
  void Start(std::uint64_t broadcasts = std::numeric_limits<std::uint64_t>::max());
  // All of them were sent, answered or dropped, and told of.
  bool done() const { return reports_ == broadcasts_ && unanswered() == 0; }
  // No more lines; the clients are told the end.
  void CloseAll();

  std::size_t clients() const { return clients_; }
  const Totals& totals() const { return totals_; }
  std::uint64_t unanswered() const { return totals_.sent - totals_.answered - totals_.dropped; }
  // From the moment at which a broadcast began to each answer; in the worst of all seconds.
  const Latency& worst() const { return worst_; }
  std::size_t resident_bytes() const { return resident_bytes_; }  // at the last report
  std::size_t bytes_per_client() const;

 private:
  class Client;

  void Broadcast();
  void Report();
  Latency TakeLatency();

  belfry::EventLoop& loop_;
  belfry::TimerId timer_{};
  std::uint64_t broadcasts_ = 0;  // wanted
  std::uint64_t reports_ = 0;
  std::uint64_t messages_ = 0;  // that had been sent or answered at the last report
  std::size_t clients_ = 0;
  Totals totals_;
  std::array<belfry::SteadyTime, 64> began_{};  // the last broadcasts, at number % size
  std::vector<belfry::Nanoseconds> latencies_;  // since the last report
  Latency worst_;
  std::size_t resident_before_ = 0;  // there were clients
  std::size_t resident_bytes_ = 0;
  std::unique_ptr<belfry::Server> server_;
};

}  // namespace c10k
