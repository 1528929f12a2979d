// An executor with threads of its own.
//
//   belfry::ThreadPool pool({.threads = 4, .name = "mail"});
//   belfry::Dispatcher dispatcher({.executor = &pool});
#pragma once

#include <memory>
#include <string>

#include "belfry/clock.h"
#include "belfry/executor.h"
#include "belfry/export.h"

namespace belfry {

struct ThreadPoolOptions {
  unsigned threads = 0;  // 0: one per core, at least 2
  // How long an idle thread looks for work, and a listener for its next event, before the thread
  // sleeps: what comes meanwhile starts within a fraction of a microsecond, and a processor is busy
  // for it. Nanoseconds::max(): always.
  Nanoseconds spin{};
  unsigned spare_max = 4;       // started, one by one, when all others wait: see below
  std::string name = "belfry";  // of the threads; the system cuts it to 15 bytes
};

// Threads that run posted work, first in, first out.
//
// Thread safety: any thread.
// Order: work starts in the order of posting; with one thread it also ends so.
// Blocking: when every thread is inside a BlockingScope while work waits, a spare thread takes
// over, at most `spare_max` of them, until one of the others goes on.
// Signals: blocked in the pool's threads; handlers run elsewhere.
// Lifetime: the destructor runs what was posted, then joins. It must not be called on a thread of
// the pool (aborts).
// Errors: the constructor throws std::system_error when the system refuses a thread; those
// already started have been joined then.
class BELFRY_EXPORT ThreadPool final : public Executor {
 public:
  explicit ThreadPool(ThreadPoolOptions options = {});
  ~ThreadPool() override;

  using Executor::Post;
  void Post(Runnable& work) override;
  void BlockingBegins() override;
  void BlockingEnds() override;
  std::shared_ptr<void> OnSpareThread(std::function<void(unsigned)> told) override;
  Nanoseconds patience() const override;

  unsigned threads() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
