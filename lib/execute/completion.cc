#include "belfry/completion.h"

#include <utility>

#include "belfry/executor.h"
#include "sync/sync.h"

namespace belfry {

class CompletionState::Impl {
 public:
  bool Claim() {
    const sync::Lock lock(mutex_);
    if (phase_ != Phase::kPending) return false;
    phase_ = Phase::kFinishing;
    return true;
  }

  void Publish() {
    {
      const sync::Lock lock(mutex_);
      phase_ = Phase::kTelling;
      finished_.NotifyAll();
    }
    TellWaiters();
    while (const std::unique_ptr<Waiting> next = NextToTell()) next->told();
  }

  bool Add(CompletionWaiter& waiter) {
    const sync::Lock lock(mutex_);
    if (HasValue()) return false;
    waiter.next_ = std::exchange(waiters_, &waiter);
    return true;
  }

  void Remove(CompletionWaiter& waiter) {
    const sync::Lock lock(mutex_);
    CompletionWaiter** link = &waiters_;
    while (*link != nullptr && *link != &waiter) link = &(*link)->next_;
    if (*link != nullptr) *link = waiter.next_;
  }

  bool finished() {
    const sync::Lock lock(mutex_);
    return HasValue();
  }

  bool HasWaiting() {
    const sync::Lock lock(mutex_);
    return waiters_ != nullptr || first_waiting_ != nullptr;
  }

  bool WaitUntil(const SteadyTime* deadline) {
    if (finished()) return true;
    const Executor* const executor = Executor::Current();
    BELFRY_CHECK(executor == nullptr || executor->may_block(),
                 "a completion was waited for on a loop's thread: use Then");
    const BlockingScope blocking;
    const sync::Lock lock(mutex_);
    while (!HasValue()) {
      if (deadline == nullptr) {
        finished_.Wait(mutex_);
      } else if (!finished_.WaitUntil(mutex_, *deadline)) {
        break;
      }
    }
    return HasValue();
  }

  void Then(std::function<void()> told) {
    auto waiting = std::make_unique<Waiting>(Waiting{std::move(told), nullptr});
    {
      const sync::Lock lock(mutex_);
      if (phase_ != Phase::kTold) {
        std::unique_ptr<Waiting>* end = &first_waiting_;
        while (*end != nullptr) end = &(*end)->next;
        *end = std::move(waiting);
        return;
      }
    }
    waiting->told();
  }

 private:
  // kTelling: the value is there, and those who asked before it was are being told.
  enum class Phase { kPending, kFinishing, kTelling, kTold };

  bool HasValue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return phase_ == Phase::kTelling || phase_ == Phase::kTold;
  }

  // Somebody to be told; its node is made and destroyed outside the lock.
  struct Waiting {
    std::function<void()> told;
    std::unique_ptr<Waiting> next;
  };

  // Each may go as soon as it was told, and the last handle with it: not while this runs.
  void TellWaiters() {
    for (;;) {
      Waker waker;
      {
        const sync::Lock lock(mutex_);
        if (waiters_ == nullptr) return;
        waker = std::exchange(waiters_, waiters_->next_)->Finished();
      }
      waker.Wake();
    }
  }

  // The first who waits to be told; null, and all are told, at the end.
  std::unique_ptr<Waiting> NextToTell() {
    const sync::Lock lock(mutex_);
    std::unique_ptr<Waiting> first = std::move(first_waiting_);
    if (first == nullptr) {
      phase_ = Phase::kTold;
    } else {
      first_waiting_ = std::move(first->next);
    }
    return first;
  }

  sync::Mutex mutex_;
  sync::Condition finished_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kPending;
  std::unique_ptr<Waiting> first_waiting_ ABSL_GUARDED_BY(mutex_);
  CompletionWaiter* waiters_ ABSL_GUARDED_BY(mutex_) = nullptr;  // the last one first
};

CompletionState::CompletionState() : impl_(std::make_unique<Impl>()) {}
CompletionState::~CompletionState() = default;
bool CompletionState::Claim() { return impl_->Claim(); }
void CompletionState::Publish() { impl_->Publish(); }
bool CompletionState::finished() const { return impl_->finished(); }
bool CompletionState::HasWaiting() const { return impl_->HasWaiting(); }
bool CompletionState::WaitUntil(const SteadyTime* deadline) const {
  return impl_->WaitUntil(deadline);
}
void CompletionState::Then(std::function<void()> told) { impl_->Then(std::move(told)); }
bool CompletionState::Add(CompletionWaiter& waiter) { return impl_->Add(waiter); }
void CompletionState::Remove(CompletionWaiter& waiter) { impl_->Remove(waiter); }

}  // namespace belfry
