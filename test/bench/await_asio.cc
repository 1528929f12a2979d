// Boost.Asio's awaitables in the works of awaiting.
#include <cstdint>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "bench/await.h"

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using bench::kAwaits;

[[gnu::noinline]] awaitable<std::int64_t> One() { co_return 1; }

class ReadyAwaitable {
 public:
  std::int64_t AwaitAll() {
    std::int64_t sum = 0;
    asio::co_spawn(context_, Sum(sum), asio::detached);
    context_.restart();
    context_.run();
    return sum;
  }

 private:
  static awaitable<void> Sum(std::int64_t& sum) {
    for (std::int64_t i = 0; i < kAwaits; ++i) sum += co_await One();
  }

  asio::io_context context_{1};
};

class HoppingAwaitable {
 public:
  std::int64_t AwaitAll() { return asio::co_spawn(pool_, Hop(), asio::use_future).get(); }

 private:
  awaitable<std::int64_t> Hop() {
    std::int64_t hops = 0;
    for (; hops < kAwaits; ++hops) co_await asio::post(pool_, use_awaitable);
    co_return hops;
  }

  asio::thread_pool pool_{1};
};

// A channel is what there is to await somebody else's event.
class ChannelAwaitable {
 public:
  ChannelAwaitable() {
    asio::co_spawn(context_, Count(), asio::detached);
    context_.poll();
  }
  std::int64_t AwaitAll() {
    count_ = 0;
    for (std::int64_t i = 0; i < kAwaits; ++i) {
      ticks_.try_send(boost::system::error_code(), bench::Tick{1});
      context_.restart();
      context_.poll();
    }
    return count_;
  }

 private:
  awaitable<void> Count() {
    for (;;) count_ += (co_await ticks_.async_receive(use_awaitable)).number;
  }

  std::int64_t count_ = 0;
  asio::io_context context_{1};
  asio::experimental::channel<void(boost::system::error_code, bench::Tick)> ticks_{context_, 256};
};

[[maybe_unused]] const bool registered =
    bench::RegisterAwait<ReadyAwaitable>("ready task", "Asio awaitable") &&
    bench::RegisterAwait<HoppingAwaitable>("pool hop", "Asio awaitable", true) &&
    bench::RegisterAwait<ChannelAwaitable>("event", "Asio awaitable");

}  // namespace
