// Events through queues, by hand: each worker has a queue and some of the listeners, an event goes
// into the queue of every worker that has one. So deliveries are serial per listener, and an event
// is pushed at most once per worker. (With one listener only one worker has work.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "bench/async_sinks.h"
#include "bench/event.h"
#include "bench/in_flight.h"

namespace bench {

// A Queue has
//   kBounded                   whether it has a limit of its own
//   Queue(InFlightLimit&, i)   if not, it reports what it delivered as number i
//   void Work(deliver)         calls deliver(const Event&) for each event, until Close was called
//   void Close()               when all is delivered: makes Work return
//   class Producer             made from a Queue& on the publishing thread; Push(const Event&)
template <class Queue, class Sink>
class WorkerQueues {
 public:
  WorkerQueues(const AsyncShape& shape, Sink* sinks)
      : limit_(std::min(shape.workers, shape.listeners)) {
    const std::size_t busy = std::min(shape.workers, shape.listeners);
    for (std::size_t i = 0; i < busy; ++i) {
      std::vector<Sink*> mine;
      for (std::size_t k = i; k < shape.listeners; k += busy) mine.push_back(&sinks[k]);
      queues_.push_back(std::make_unique<Queue>(limit_, i));
      threads_.emplace_back([queue = queues_.back().get(), mine] {
        queue->Work([&mine](const Event& event) {
          for (Sink* sink : mine) sink->Take(event);
        });
      });
    }
  }
  WorkerQueues(const WorkerQueues&) = delete;
  WorkerQueues& operator=(const WorkerQueues&) = delete;
  ~WorkerQueues() {
    for (const auto& queue : queues_) queue->Close();
  }

  class Publisher {
   public:
    explicit Publisher(WorkerQueues& all) : tickets_(all.limit_) {
      for (const auto& queue : all.queues_) {
        producers_.push_back(std::make_unique<typename Queue::Producer>(*queue));
      }
    }
    void Publish(const Event& event) {
      if constexpr (!Queue::kBounded) tickets_.TakeOne();
      for (const auto& producer : producers_) producer->Push(event);
    }

   private:
    InFlightLimit::Tickets tickets_;
    std::vector<std::unique_ptr<typename Queue::Producer>> producers_;
  };

 private:
  InFlightLimit limit_;
  std::vector<std::unique_ptr<Queue>> queues_;
  std::vector<std::jthread> threads_;  // joined first
};

}  // namespace bench
