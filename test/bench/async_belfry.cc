// Belfry in the asynchronous works: queued listeners on a dispatcher with a pool of its own.
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "bench/async_works.h"
#include "bench/in_flight.h"

namespace {

template <class Sink>
class Belfry {
 public:
  Belfry(const bench::AsyncShape& shape, Sink* sinks, belfry::Nanoseconds spin = {})
      : dispatcher_({.pool = {.threads = static_cast<unsigned>(shape.workers), .spin = spin}}) {
    for (std::size_t i = 0; i < shape.listeners; ++i) {
      Sink& sink = sinks[i];
      subscriptions_.push_back(
          dispatcher_.Subscribe([&sink](const bench::Event& event) { sink.Take(event); },
                                {.queue = {.events_max = bench::kInFlight},
                                 .overflow = belfry::Overflow::Block(std::chrono::minutes(1))}));
    }
  }

  class Publisher {
   public:
    explicit Publisher(Belfry& belfry) : dispatcher_(belfry.dispatcher_) {}
    void Publish(bench::Event&& event) { dispatcher_.Publish(std::move(event)); }

   private:
    belfry::Dispatcher& dispatcher_;
  };

 private:
  belfry::Dispatcher dispatcher_;
  std::vector<belfry::Subscription> subscriptions_;
};

// Its worker never sleeps.
template <class Sink>
class Spinning : public Belfry<Sink> {
 public:
  Spinning(const bench::AsyncShape& shape, Sink* sinks)
      : Belfry<Sink>(shape, sinks, belfry::Nanoseconds::max()) {}
};

[[maybe_unused]] const bool registered = bench::RegisterAsync<Belfry>("belfry") &&
                                         bench::RegisterIdlePing<Spinning>("spinning", "belfry");

}  // namespace
