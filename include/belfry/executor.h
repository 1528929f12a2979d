// Executors: where queued work runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/export.h"

namespace belfry {

class Executor;

// A piece of work that is its own queue node, so that posting it cannot fail.
//
// Lifetime: whoever posts keeps it alive until Run is entered; an executor does not touch it after
// that, so Run may post it again, or destroy it. What Run throws ends the program, except a forced
// unwinding (a thread that is cancelled), which ends the thread, and where an executor says so.
class BELFRY_EXPORT Runnable {
 public:
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  virtual void Run() = 0;

  // Whose work it is, for who shows or orders it: a listener's id and name; 0 and "" if nobody's.
  struct Owner {
    std::uint64_t id = 0;
    std::string_view name{};
  };
  virtual Owner owner() const { return {}; }

 protected:
  ~Runnable() = default;

 private:
  friend class RunnableQueue;
  Runnable* next_ = nullptr;
};

// A first in, first out list of runnables: what executors are made of. Never allocates.
// Thread safety: none of its own.
class BELFRY_EXPORT RunnableQueue {
 public:
  bool empty() const { return head_ == nullptr; }
  void Push(Runnable& work);
  Runnable* Pop();  // null when empty

 private:
  Runnable* head_ = nullptr;
  Runnable* tail_ = nullptr;
};

// Runs posted work later, on a thread of its own choosing.
//
// Thread safety: any thread may post, also from inside posted work.
// Order: stated by each implementation; a runnable never overlaps itself.
// Lifetime: outlives whatever posts to it. Before it is gone it runs all that was posted.
class BELFRY_EXPORT Executor {
 public:
  Executor() = default;
  virtual ~Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Runs `work` once, later, never inside Post. Never fails, never blocks.
  virtual void Post(Runnable& work) = 0;

  // The same for a callable, in a node from the heap. What it throws ends the program.
  void Post(std::function<void()> work);

  // A thread that runs posted work is about to wait for something that other posted work may have
  // to bring, or has stopped waiting. An executor with threads to spare may start one. Call on the
  // executor's own threads, in pairs: see BlockingScope.
  virtual void BlockingBegins() {}
  virtual void BlockingEnds() {}

  // Told, on an unspecified thread and under no lock, whenever a spare thread had to be started,
  // with the number of spare ones then running; must not throw. The returned handle ends it, but
  // does not wait for a call that is under way. Null where there are no spare threads.
  virtual std::shared_ptr<void> OnSpareThread(std::function<void(unsigned)> told);

  // Whether its threads may wait for what others finish; a loop's must not.
  virtual bool may_block() const { return true; }

  // How many events one piece of a listener's work may deliver before it is posted again, behind
  // what others have posted.
  virtual unsigned deliveries_max() const { return 256; }

  // How long a piece of work that expects more to come may wait for it on its thread, rather than
  // be posted again. Zero while others wait for a thread, as far as that is known at no cost.
  virtual Nanoseconds patience() const { return {}; }

  // The executor whose work the calling thread is running now; null outside.
  static Executor* Current();
};

// Marks the calling thread as an executor's for as long as it lives. For those who write executors:
// one around the running of posted work.
class BELFRY_EXPORT ExecutorScope {
 public:
  explicit ExecutorScope(Executor& executor);
  ~ExecutorScope();
  ExecutorScope(const ExecutorScope&) = delete;
  ExecutorScope& operator=(const ExecutorScope&) = delete;

 private:
  Executor* outer_;
};

// Around a wait that may happen on an executor's thread; does nothing elsewhere.
class BELFRY_EXPORT BlockingScope {
 public:
  BlockingScope();
  ~BlockingScope();
  BlockingScope(const BlockingScope&) = delete;
  BlockingScope& operator=(const BlockingScope&) = delete;

 private:
  Executor* executor_;
};

}  // namespace belfry
