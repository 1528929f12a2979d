// A synchronous dispatcher's order of turns: one thread at a time, first in, first out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "belfry/clock.h"
#include "dispatch/publication.h"
#include "sync/sync.h"

namespace belfry {

class MailboxListener;

// Thread safety: any thread may enter; what is between Enter and Leave is one thread's alone.
class Turns {
 public:
  // The right to deliver. The outermost one of a thread waits for other threads' to end; those
  // inside it, made by listeners that publish, find it taken by their own thread.
  class Holder {
   public:
    explicit Holder(Turns& turns, std::optional<SteadyTime> deadline = std::nullopt);
    ~Holder();
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    // Whether this one gave its thread the right: not when it had it already, nor at the deadline.
    bool outermost() const { return outermost_; }

   private:
    Turns& turns_;
    const bool outermost_;
  };

  // Calls `f` in the calling thread's turn, and then delivers what was pushed, also when it throws:
  // what it has published before still has its turn.
  template <class F>
  void Run(F f) {
    const Holder turn(*this);
    try {
      f();
    } catch (...) {
      if (turn.outermost()) RunAll();
      throw;
    }
    if (turn.outermost()) RunAll();
  }
  // By the holder. Takes over a reference to the publication.
  void Push(Publication& publication);
  // By the outermost holder: delivers what was pushed, and what that pushes, until nothing is left.
  void RunAll();
  // By the holder: the listener has something to deliver that belongs to no turn, so it gets one
  // when all that was pushed is delivered.
  void PushDue(std::shared_ptr<MailboxListener> listener);
  // Lets go of what was left when a thread was unwound inside RunAll, without running it. At the
  // end.
  void Clear();

 private:
  bool Enter(std::optional<SteadyTime> deadline);
  void Leave();
  Publication* Pop();
  void PopDue();

  sync::Mutex mutex_;
  sync::Condition free_;
  sync::Thread::id holder_ ABSL_GUARDED_BY(mutex_);
  Publication* head_ = nullptr;  // the holder's
  Publication* tail_ = nullptr;
  std::shared_ptr<MailboxListener> due_;  // a list; the holder's
  MailboxListener* last_due_ = nullptr;
  std::uint64_t turns_ = 0;  // so far
};

}  // namespace belfry
