// oneTBB in the asynchronous works, in the two ways that its documentation has for this: a
// concurrent_bounded_queue before each worker, and a flow graph in which a broadcast_node feeds a
// serial function_node per listener.
#include <oneapi/tbb/concurrent_queue.h>
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "bench/async_works.h"
#include "bench/in_flight.h"
#include "bench/worker_queues.h"

namespace {

using bench::Event;
namespace tbb = oneapi::tbb;

class BoundedQueue {
 public:
  static constexpr bool kBounded = true;

  BoundedQueue(bench::InFlightLimit& /*limit*/, std::size_t /*index*/) {
    events_.set_capacity(bench::kInFlight);
  }

  template <class Deliver>
  void Work(Deliver deliver) {
    Event event;
    for (events_.pop(event); event.sequence != kEnd; events_.pop(event)) deliver(event);
  }

  void Close() { events_.push(bench::MakeEvent(kEnd)); }

  class Producer {
   public:
    explicit Producer(BoundedQueue& queue) : events_(queue.events_) {}
    void Push(const Event& event) { events_.push(event); }

   private:
    tbb::concurrent_bounded_queue<Event>& events_;
  };

 private:
  static constexpr std::uint64_t kEnd = 0;

  tbb::concurrent_bounded_queue<Event> events_;
};

template <class Sink>
class Graph {
  using Listener = tbb::flow::function_node<Event>;

 public:
  Graph(const bench::AsyncShape& shape, Sink* sinks)
      : threads_(tbb::global_control::max_allowed_parallelism, shape.workers + 1),
        arena_(static_cast<int>(shape.workers), 0),
        limit_(shape.listeners) {
    arena_.execute([&] {
      graph_ = std::make_unique<tbb::flow::graph>();
      source_ = std::make_unique<tbb::flow::broadcast_node<Event>>(*graph_);
      for (std::size_t i = 0; i < shape.listeners; ++i) AddListener(sinks[i], i);
    });
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() {
    graph_->wait_for_all();
    listeners_.clear();
    source_.reset();
    graph_.reset();
  }

  class Publisher {
   public:
    explicit Publisher(Graph& graph) : source_(*graph.source_), tickets_(graph.limit_) {}
    void Publish(const Event& event) {
      tickets_.TakeOne();
      source_.try_put(event);
    }

   private:
    tbb::flow::broadcast_node<Event>& source_;
    bench::InFlightLimit::Tickets tickets_;
  };

 private:
  void AddListener(Sink& sink, std::size_t index) {
    listeners_.push_back(std::make_unique<Listener>(
        *graph_, tbb::flow::serial,
        [this, &sink, index, taken = std::uint64_t{0}](const Event& event) mutable {
          sink.Take(event);
          if (++taken % bench::InFlightLimit::kBatch == 0) {
            limit_.Finished(index, bench::InFlightLimit::kBatch);
          }
          return tbb::flow::continue_msg();
        }));
    tbb::flow::make_edge(*source_, *listeners_.back());
  }

  tbb::global_control threads_;  // one more than workers: oneTBB counts the thread that asks
  tbb::task_arena arena_;
  bench::InFlightLimit limit_;
  std::unique_ptr<tbb::flow::graph> graph_;
  std::unique_ptr<tbb::flow::broadcast_node<Event>> source_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

template <class Sink>
using Queues = bench::WorkerQueues<BoundedQueue, Sink>;

[[maybe_unused]] const bool registered =
    bench::RegisterAsync<Queues>("oneTBB queue") && bench::RegisterAsync<Graph>("oneTBB graph");

}  // namespace
