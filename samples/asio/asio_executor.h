// Listeners on an Asio executor: a thread_pool's, an io_context's, or a strand.
#pragma once

#include <utility>

#include <boost/asio/post.hpp>

#include "belfry/executor.h"

// Thread safety: any thread.
// Order: as the Asio executor runs what is posted. A listener needs no strand: its turns never
// overlap.
// Lifetime: the dispatcher ends before the execution context does. An io_context that is stopped
// runs nothing, so then a Drain, or the end of the dispatcher, waits for ever: run it again first.
template <class AsioExecutor>
class OnAsio final : public belfry::Executor {
 public:
  // `may_block`: whether its threads may wait for each other's work; the one of a loop must not.
  OnAsio(AsioExecutor executor, bool may_block)
      : executor_(std::move(executor)), may_block_(may_block) {}

  using Executor::Post;
  void Post(belfry::Runnable& work) override {
    boost::asio::post(executor_, [this, &work] {
      const belfry::ExecutorScope scope(*this);
      work.Run();
    });
  }
  bool may_block() const override { return may_block_; }

 private:
  AsioExecutor executor_;
  bool may_block_;
};
