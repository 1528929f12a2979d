#include "broadcaster.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "process.h"

namespace c10k {

// One connection: it has answered all lines before `next_`.
class Broadcaster::Client final : public belfry::ConnectionListener {
 public:
  explicit Client(Broadcaster& all) : all_(all), next_(all.totals_.broadcasts) {}

 private:
  void OnOpened(belfry::Connection& /*connection*/) override { ++all_.clients_; }

  void OnData(belfry::Connection& connection, std::string_view data) override {
    for (const char c : data) {
      if (c >= '0' && c <= '9') {
        number_ = number_ * 10 + static_cast<std::uint64_t>(c - '0');
      } else if (c == '\n' && number_ == next_ && next_ < all_.totals_.broadcasts) {
        Answered();
      } else {
        ++all_.totals_.wrong;
        return connection.Abort();
      }
    }
  }

  void OnClosed(belfry::Connection& /*connection*/,
                const belfry::ConnectionClosed& /*closed*/) override {
    --all_.clients_;
    all_.totals_.dropped += all_.totals_.broadcasts - next_;
  }

  void Answered() {
    ++all_.totals_.answered;
    if (all_.totals_.broadcasts - next_ <= all_.began_.size()) {
      const belfry::SteadyTime began = all_.began_[next_ % all_.began_.size()];
      all_.latencies_.push_back(all_.loop_.clock().Now() - began);
    }
    ++next_;
    number_ = 0;
  }

  Broadcaster& all_;
  std::uint64_t next_;
  std::uint64_t number_ = 0;  // of a line that has not ended yet
};

Broadcaster::~Broadcaster() { loop_.Cancel(timer_); }

absl::Status Broadcaster::Listen(const belfry::Endpoint& endpoint, std::size_t clients_max) {
  resident_before_ = ResidentBytes();
  auto server = belfry::Server::Listen(
      loop_, endpoint, [this] { return std::make_unique<Client>(*this); },
      {.connections_max = clients_max, .accept_failed = [](int error) {
         std::cerr << "c10k: accepting rests: " << std::strerror(error) << "\n";
       }});
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

void Broadcaster::Start(std::uint64_t broadcasts) {
  broadcasts_ = broadcasts;
  Broadcast();
  timer_ = loop_.RunEvery(
      std::chrono::seconds(1),
      [this] {
        Report();
        if (totals_.broadcasts < broadcasts_) Broadcast();
      },
      broadcasts);
}

void Broadcaster::CloseAll() {
  loop_.Cancel(timer_);
  server_->CloseAll();
}

void Broadcaster::Broadcast() {
  began_[totals_.broadcasts % began_.size()] = loop_.clock().Now();
  const std::string line = absl::StrCat(totals_.broadcasts, "\n");
  server_->ForEach([&](belfry::Connection& client) { client.Write(line); });
  ++totals_.broadcasts;
  totals_.sent += clients_;
}

void Broadcaster::Report() {
  ++reports_;
  resident_bytes_ = ResidentBytes();
  const Latency latency = TakeLatency();
  worst_.p50 = std::max(worst_.p50, latency.p50);
  worst_.p99 = std::max(worst_.p99, latency.p99);
  const std::uint64_t before = std::exchange(messages_, totals_.sent + totals_.answered);
  std::cout << absl::StreamFormat(
                   "%4d s: %d connections, %d messages/s, %.1f MiB, %d bytes a connection, "
                   "p50 %.1f ms, p99 %.1f ms, %d unanswered, %d dropped\n",
                   reports_, clients_, messages_ - before,
                   static_cast<double>(resident_bytes_) / (1 << 20), bytes_per_client(),
                   latency.p50, latency.p99, unanswered(), totals_.dropped)
            << std::flush;
}

std::size_t Broadcaster::bytes_per_client() const {
  if (clients_ == 0 || resident_bytes_ < resident_before_) return 0;
  return (resident_bytes_ - resident_before_) / clients_;
}

Latency Broadcaster::TakeLatency() {
  if (latencies_.empty()) return {};
  std::ranges::sort(latencies_);
  const auto at = [&](std::size_t percent) {
    const belfry::Nanoseconds latency = latencies_[latencies_.size() * percent / 100];
    return std::chrono::duration<double, std::milli>(latency).count();
  };
  const Latency latency = {.p50 = at(50), .p99 = at(99)};
  latencies_.clear();
  return latency;
}

}  // namespace c10k
