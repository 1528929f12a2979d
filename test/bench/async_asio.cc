// Boost.Asio in the asynchronous works: one post per delivery, through a strand per listener
// unless one listener has one worker, which makes deliveries serial by itself.
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include "bench/async_works.h"
#include "bench/in_flight.h"

namespace {

using bench::Event;
namespace asio = boost::asio;

class Pool {
 public:
  explicit Pool(std::size_t threads) : pool_(threads) {}
  auto get_executor() { return pool_.get_executor(); }

 private:
  asio::thread_pool pool_;  // its destructor stops and joins
};

class IoContext {
 public:
  explicit IoContext(std::size_t threads)
      : context_(static_cast<int>(threads)), guard_(asio::make_work_guard(context_)) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { context_.run(); });
    }
  }
  IoContext(const IoContext&) = delete;
  IoContext& operator=(const IoContext&) = delete;
  ~IoContext() {
    context_.stop();
    threads_.clear();
  }
  auto get_executor() { return context_.get_executor(); }

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::vector<std::jthread> threads_;
};

template <class Workers, class Sink>
class Asio {
  using Strand = asio::strand<decltype(std::declval<Workers&>().get_executor())>;

  struct Listener {
    Strand strand;
    Sink& sink;
    std::size_t index;
    std::uint64_t taken = 0;
  };

 public:
  Asio(const bench::AsyncShape& shape, Sink* sinks)
      : needs_strand_(shape.workers > 1 || shape.listeners > 1),
        limit_(shape.listeners),
        workers_(shape.workers) {
    for (std::size_t i = 0; i < shape.listeners; ++i) {
      listeners_.push_back(std::make_unique<Listener>(
          Listener{asio::make_strand(workers_.get_executor()), sinks[i], i}));
    }
  }

  class Publisher {
   public:
    explicit Publisher(Asio& asio) : asio_(asio), tickets_(asio.limit_) {}
    void Publish(const Event& event) {
      tickets_.TakeOne();
      for (const auto& listener : asio_.listeners_) asio_.Post(*listener, event);
    }

   private:
    Asio& asio_;
    bench::InFlightLimit::Tickets tickets_;
  };

 private:
  void Post(Listener& listener, const Event& event) {
    auto deliver = [this, &listener, event] { Deliver(listener, event); };
    if (needs_strand_) {
      asio::post(listener.strand, deliver);
    } else {
      asio::post(workers_.get_executor(), deliver);
    }
  }

  void Deliver(Listener& listener, const Event& event) {
    listener.sink.Take(event);
    if (++listener.taken % bench::InFlightLimit::kBatch == 0) {
      limit_.Finished(listener.index, bench::InFlightLimit::kBatch);
    }
  }

  const bool needs_strand_;
  bench::InFlightLimit limit_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Workers workers_;  // stopped first
};

template <class Sink>
using OnPool = Asio<Pool, Sink>;
template <class Sink>
using OnIoContext = Asio<IoContext, Sink>;

[[maybe_unused]] const bool registered = bench::RegisterAsync<OnPool>("Asio thread_pool") &&
                                         bench::RegisterAsync<OnIoContext>("Asio io_context");

}  // namespace
