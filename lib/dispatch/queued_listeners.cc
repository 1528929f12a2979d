#include "dispatch/queued_listeners.h"

#include <algorithm>
#include <new>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/newcomer.h"
#include "dispatch/publication.h"
#include "dispatch/topic.h"

namespace belfry {

QueuedListeners::QueuedListeners(Topic& topic, sync::Mutex& mutex)
    : topic_(topic), mutex_(mutex), event_size_(topic.type().size()), log_(event_size_) {}

// --- Turns ---

QueuedListener* QueuedListeners::TakeIdle() {
  QueuedListener* first = nullptr;
  if (idle_.load(std::memory_order_relaxed) == 0) return first;
  QueuedListener** end = &first;
  for (const auto& listener : listeners_) {
    if (!listener->idle()) continue;
    listener->MarkPosted();
    *end = listener.get();
    end = &listener->next_to_post;
    *end = nullptr;
  }
  idle_.store(0, std::memory_order_seq_cst);
  return first;
}

void QueuedListeners::PostTurns(QueuedListener* first) {
  // Once posted, a listener may be posted again by others.
  while (first != nullptr) std::exchange(first, first->next_to_post)->PostTurn();
}

void QueuedListeners::WakeIdle() {
  QueuedListener* first = nullptr;
  {
    const sync::Lock lock(mutex_);
    first = TakeIdle();
  }
  PostTurns(first);
}

bool QueuedListeners::GoneIdle(QueuedListener& listener) {
  {
    const sync::Lock lock(mutex_);
    if (!listener.detached()) {
      idle_.fetch_add(1, std::memory_order_seq_cst);
      if (log_.tail() != listener.started()) {
        idle_.fetch_sub(1, std::memory_order_relaxed);
        return false;
      }
    }
    listener.state().Clear(QueuedState::kPosted);
  }
  topic_.core().TellQuiet();
  return true;
}

// --- Who listens ---

bool QueuedListeners::Add(const std::shared_ptr<QueuedListener>& listener, Newcomer& newcomer) {
  std::vector<std::shared_ptr<QueuedListener>> larger;
  for (;;) {
    std::size_t count = 0;
    bool needs_spare = false;
    bool placed = false;
    {
      const sync::Lock lock(mutex_);
      if (topic_.core().closed()) return false;
      if (larger.capacity() > listeners_.size()) {
        for (auto& other : listeners_) larger.push_back(std::move(other));
        listeners_.swap(larger);
      }
      count = listeners_.size();
      needs_spare = log_.NeedsSpare(reserved_events_ + 1);
      placed = newcomer.has_place();
      if (count < listeners_.capacity() && !needs_spare && placed) {
        listener->Begin(topic_.NextListenerId(), newcomer.name(), newcomer.site());
        newcomer.Become(*listener);
        Enlist(listener);
        return true;
      }
    }
    larger.clear();
    larger.reserve(2 * count + 4);
    if (needs_spare && !MakeSpare()) throw std::bad_alloc();
    if (!placed && !newcomer.FindPlace()) return false;
  }
}

void QueuedListeners::Enlist(const std::shared_ptr<QueuedListener>& listener) {
  {
    const EventLog::Own own(log_);
    if (!log_.HasCell()) log_.AddPage(listeners_.size());
    listener->EnterLog(log_);
    listener->bytes_before = bytes_;
    listeners_.push_back(listener);
    if (listener->takes_context) ++with_context_;
    if (listener->traits().executor != nullptr) idle_.fetch_add(1, std::memory_order_seq_cst);
    UpdateBound();
    log_.SetOpen(event_size_ <= LogPage::kValueMax && topic_.ShortWayOpen());
  }
  topic_.QueuedChanged();
}

bool QueuedListeners::Remove(QueuedListener& listener) {
  std::shared_ptr<QueuedListener> removed;  // destroyed after the lock was left
  bool alone = false;
  {
    const sync::Lock lock(mutex_);
    if (listener.detached()) return false;
    const auto place = std::find_if(listeners_.begin(), listeners_.end(),
                                    [&](const auto& other) { return other.get() == &listener; });
    removed = std::move(*place);
    listeners_.erase(place);
    if (listener.takes_context) --with_context_;
    if (listener.traits().executor != nullptr && listener.idle()) {
      idle_.fetch_sub(1, std::memory_order_seq_cst);
    }
    {
      const EventLog::Own own(log_);
      alone = listener.LeaveLog(log_.tail(), log_.last());
      UpdateBound();
      log_.SetOpen(event_size_ <= LogPage::kValueMax && topic_.ShortWayOpen());
    }
    topic_.QueuedChanged();
  }
  TellRoom();
  return alone;
}

void QueuedListeners::Gone(QueuedListener& listener) {
  const sync::Lock lock(mutex_);
  of_the_gone_ += listener.CountsAtEnd();
  listener.SetGone();
  ended_.NotifyAll();
}

bool QueuedListeners::IsGone(const QueuedListener& listener) const {
  const sync::Lock lock(mutex_);
  return listener.gone();
}

bool QueuedListeners::SetNext(QueuedListener& listener, std::unique_ptr<Callable>& callable) {
  const sync::Lock lock(mutex_);
  if (listener.detached()) return false;
  if (listener.takes_context) --with_context_;
  listener.takes_context = callable->takes_context();
  if (listener.takes_context) ++with_context_;
  UpdateShortWay();
  listener.next_callable.swap(callable);
  listener.state().Set(QueuedState::kReplacing);
  return true;
}

std::unique_ptr<Callable> QueuedListeners::TakeNext(QueuedListener& listener) {
  const sync::Lock lock(mutex_);
  return std::move(listener.next_callable);
}

bool QueuedListeners::Replaced(QueuedListener& listener) {
  const sync::Lock lock(mutex_);
  if (listener.next_callable != nullptr) return false;
  listener.state().Clear(QueuedState::kReplacing);
  ended_.NotifyAll();
  return true;
}

void QueuedListeners::AwaitReplaced(const QueuedListener& listener) {
  const sync::Lock lock(mutex_);
  while (listener.replacing() && !listener.gone()) ended_.Wait(mutex_);
}

void QueuedListeners::AwaitGone(const QueuedListener& listener) {
  const sync::Lock lock(mutex_);
  while (!listener.gone()) ended_.Wait(mutex_);
}

std::vector<std::shared_ptr<QueuedListener>> QueuedListeners::List() const {
  std::vector<std::shared_ptr<QueuedListener>> list;
  for (;;) {
    {
      const sync::Lock lock(mutex_);
      if (list.capacity() >= listeners_.size()) {
        list = listeners_;
        return list;
      }
    }
    list.reserve(2 * list.capacity() + 8);
  }
}

std::shared_ptr<QueuedListener> QueuedListeners::NextAfter(ListenerId id) const {
  const sync::Lock lock(mutex_);
  const auto next = std::upper_bound(listeners_.begin(), listeners_.end(), id,
                                     [](ListenerId a, const auto& b) { return a < b->id(); });
  return next == listeners_.end() ? nullptr : *next;
}

void QueuedListeners::DetachAll() {
  while (const auto listener = NextAfter(0)) listener->Finish();
}

// --- Their own ---

void QueuedListeners::Leave(LogPage& page) {
  if (!EventLog::Leave(page)) return;
  page.spare_next = nullptr;
  GiveBackPages(&page);
}

Publication* QueuedListeners::TakeOldest(QueuedListener& listener) {
  LogPage* freed = nullptr;
  Publication* oldest = nullptr;
  {
    const sync::Lock lock(mutex_);
    oldest = listener.TakeOldest(log_, freed);
  }
  GiveBackPages(freed);
  return oldest;
}

// --- Counting ---

bool QueuedListeners::quiet() const {
  const sync::Lock lock(mutex_);
  return std::all_of(listeners_.begin(), listeners_.end(), [&](const auto& listener) {
    // In this order: who takes the last event is running by then.
    return listener->started() == log_.tail() && !listener->running();
  });
}

DeliveryCounts QueuedListeners::counts(const QueuedListener& listener) const {
  const sync::Lock lock(mutex_);
  return listener.CountsAt(log_.tail());
}

std::uint64_t QueuedListeners::cancelled() const {
  mutex_.AssertHeld();
  std::uint64_t cancelled = 0;
  for (const auto& listener : listeners_) cancelled += listener->CountsAt(log_.tail()).cancelled;
  return cancelled;
}

DeliveryCounts QueuedListeners::totals() const {
  mutex_.AssertHeld();
  DeliveryCounts totals = of_the_gone_;
  for (const auto& listener : listeners_) totals += listener->CountsAt(log_.tail());
  return totals;
}

}  // namespace belfry
