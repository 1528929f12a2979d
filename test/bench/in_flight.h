// A bound on what is on its way, the way one would do it by hand for queues that have none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bench {

// Events in a queue, or on their way: Belfry's queues and everybody else's have room for so many.
inline constexpr std::size_t kInFlight = 65'536;

// At most kInFlight events that are published and not yet delivered by everyone. Publishers take
// tickets by the batch, and give way while the slowest of those who deliver is too far behind.
class InFlightLimit {
 public:
  static constexpr std::uint64_t kBatch = 64;

  explicit InFlightLimit(std::size_t deliverers)
      : deliverers_(deliverers), done_(std::make_unique<Done[]>(deliverers)) {}

  // Deliverer `index` has finished `events` more.
  void Finished(std::size_t index, std::uint64_t events) {
    std::atomic<std::uint64_t>& done = done_[index].events;
    done.store(done.load(std::memory_order_relaxed) + events, std::memory_order_release);
  }

  // A publisher's tickets.
  class Tickets {
   public:
    explicit Tickets(InFlightLimit& limit) : limit_(limit) {}
    void TakeOne() {
      if (left_ == 0) {
        limit_.TakeBatch();
        left_ = kBatch;
      }
      --left_;
    }

   private:
    InFlightLimit& limit_;
    std::uint64_t left_ = 0;
  };

 private:
  struct alignas(64) Done {
    std::atomic<std::uint64_t> events{0};
  };

  void TakeBatch();
  std::uint64_t SlowestDone() const;

  const std::size_t deliverers_;
  const std::unique_ptr<Done[]> done_;
  alignas(64) std::atomic<std::uint64_t> taken_{0};
};

}  // namespace bench
