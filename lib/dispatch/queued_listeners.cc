#include "dispatch/queued_listeners.h"

#include <algorithm>
#include <new>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/publication.h"
#include "dispatch/topic.h"
#include "event/registry.h"

namespace belfry {

using Code = PublishResult::Code;

QueuedListeners::QueuedListeners(Topic& topic, sync::Mutex& mutex)
    : topic_(topic), mutex_(mutex), event_size_(topic.type().size()), log_(event_size_) {}

// --- The short way ---

bool QueuedListeners::TryAppend(const void* event, std::size_t size, const Cause* cause) {
  for (;;) {
    switch (log_.TryAppend(event, size, cause)) {
      case EventLog::Appended::kYes:
        if (idle_.load(std::memory_order_seq_cst) != 0) WakeIdle();
        return true;
      case EventLog::Appended::kNoRoom:
        if (!MoveBound()) return false;
        break;
      case EventLog::Appended::kOthersOnly:
        return false;
    }
  }
}

void QueuedListeners::UpdateShortWay() {
  mutex_.AssertHeld();
  const EventLog::Own own(log_);
  log_.SetOpen(event_size_ <= LogPage::kValueMax && topic_.ShortWayOpen());
}

// Looks anew how far publishers may go. False when some queue is full, or memory is short.
bool QueuedListeners::MoveBound() {
  for (;;) {
    {
      const sync::Lock lock(mutex_);
      const EventLog::Own own(log_);
      if (listeners_.empty()) return false;
      const bool page = log_.HasCell() || log_.AddPage(listeners_.size());
      UpdateBound();
      if (page) return log_.HasRoom();
    }
    if (!MakeSpare()) return false;
  }
}

// Places that are reserved are not for those who come the short way.
void QueuedListeners::UpdateBound() {
  std::uint64_t bound = ~std::uint64_t{0} >> 2;
  if (listeners_.empty()) bound = 0;
  for (const auto& listener : listeners_) {
    bound = std::min(bound, listener->started() + EventsMax(*listener, {event_size_, false}));
  }
  log_.SetBound(bound, reserved_events_);
}

// --- The long way ---

std::uint64_t QueuedListeners::EventsMax(const QueuedListener& listener, Size size) const {
  const QueueLimit& limit = listener.traits().limit;
  const std::uint64_t events = std::min<std::uint64_t>(limit.events_max, std::uint64_t{1} << 48);
  return size.counted ? events : std::min<std::uint64_t>(events, limit.bytes_max / size.bytes);
}

QueuedListeners::Room QueuedListeners::RoomOf(const QueuedListener& listener, Size size) const {
  const std::uint64_t events_max = EventsMax(listener, size);
  const std::uint64_t bytes_max = listener.traits().limit.bytes_max;
  if (events_max == 0 || size.bytes > bytes_max) return Room::kNever;
  const std::uint64_t events = log_.tail() - listener.started() + reserved_events_;
  if (events >= events_max) return Room::kNo;
  if (!size.counted) return Room::kYes;
  const std::uint64_t bytes =
      bytes_ - listener.bytes_before - listener.bytes_started() + reserved_bytes_;
  return bytes <= bytes_max - size.bytes ? Room::kYes : Room::kNo;
}

QueuedListeners::Refusal QueuedListeners::Reserve(Size size) {
  Publication* dropped = nullptr;  // linked by next_dropped
  LogPage* freed = nullptr;
  Refusal refusal;
  for (bool done = false; !done;) {
    bool needs_page = false;
    {
      const sync::Lock lock(mutex_);
      const EventLog::Own own(log_);
      needs_page = log_.NeedsSpare(reserved_events_ + 1);
      for (const auto& listener : listeners_) {
        if (needs_page) break;
        Room room = RoomOf(*listener, size);
        if (room == Room::kNo && listener->lossy()) {
          if (Publication* const oldest = listener->TakeOldest(log_, freed)) {
            listener->CountDropped();
            oldest->next_turn = std::exchange(dropped, oldest);
            room = RoomOf(*listener, size);
          }
        }
        if (room == Room::kYes) continue;
        refusal = {room == Room::kNever ? Code::kTooLarge : Code::kQueueFull, listener};
        break;
      }
      done = !needs_page;
      if (done && refusal.listener == nullptr) {
        ++reserved_events_;
        reserved_bytes_ += size.bytes;
      }
      UpdateBound();
    }
    if (needs_page && !MakeSpare()) return {Code::kOutOfMemory, {}};
  }
  while (dropped != nullptr) std::exchange(dropped, dropped->next_turn)->Release();
  GiveBackPages(freed);
  return refusal;
}

void QueuedListeners::GiveBack(Size size) {
  {
    const sync::Lock lock(mutex_);
    const EventLog::Own own(log_);
    --reserved_events_;
    reserved_bytes_ -= size.bytes;
    UpdateBound();
  }
  RoomMade();
}

QueuedListener* QueuedListeners::Commit(Publication& publication, Size size) {
  mutex_.AssertHeld();
  const EventLog::Own own(log_);
  --reserved_events_;
  reserved_bytes_ -= size.bytes;
  if (listeners_.empty()) return nullptr;
  if (!log_.HasCell()) log_.AddPage(listeners_.size());
  publication.Retain(static_cast<std::uint32_t>(listeners_.size()));
  if (size.counted) bytes_ += size.bytes;
  log_.Append(publication);
  UpdateBound();
  return TakeIdle();
}

bool QueuedListeners::AwaitRoom(const QueuedListener& listener, Size size, SteadyTime deadline) {
  const sync::Lock lock(mutex_);
  bool in_time = true;
  while (in_time) {
    waiting_.store(true, std::memory_order_seq_cst);
    // From here on either who makes room sees that, or this sees the room. Only where the system
    // has no heavy barrier is there need to look again.
    const bool sure = sync::HeavyBarrier();
    if (listener.detached() || RoomOf(listener, size) != Room::kNo) return true;
    const SteadyTime look = TimeAfter(Clock::Real().Now(), std::chrono::milliseconds(1));
    in_time = room_made_.WaitUntil(mutex_, sure ? deadline : std::min(look, deadline)) ||
              Clock::Real().Now() < deadline;
  }
  return false;
}

void QueuedListeners::TellRoom() {
  const sync::Lock lock(mutex_);
  waiting_.store(false, std::memory_order_relaxed);
  room_made_.NotifyAll();
}

// False when there is no memory.
bool QueuedListeners::MakeSpare() {
  LogPage* const page = log_.MakePage();
  if (page == nullptr) return false;
  const sync::Lock lock(mutex_);
  log_.AddSpare(page);
  return true;
}

void QueuedListeners::GiveBackPages(LogPage* first) {
  while (first != nullptr) {
    LogPage* page = std::exchange(first, first->spare_next);
    page->Clear();
    {
      const sync::Lock lock(mutex_);
      if (!log_.HasSparesEnough()) {
        log_.AddSpare(page);
        page = nullptr;
      }
    }
    if (page != nullptr) LogPage::Delete(page);
  }
}

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
        idle_.fetch_sub(1, std::memory_order_seq_cst);
        return false;
      }
    }
    listener.MarkIdle();
  }
  topic_.core().TellQuiet();
  return true;
}

// --- Who listens ---

bool QueuedListeners::Add(const std::shared_ptr<QueuedListener>& listener, std::string& name,
                          Site site) {
  std::vector<std::shared_ptr<QueuedListener>> larger;
  for (;;) {
    {
      const sync::Lock lock(mutex_);
      if (topic_.core().closed()) return false;
      if (larger.capacity() > listeners_.size()) {
        for (auto& other : listeners_) larger.push_back(std::move(other));
        listeners_.swap(larger);
      }
      if (listeners_.size() < listeners_.capacity() && !log_.NeedsSpare(reserved_events_ + 1)) {
        listener->Begin(NextListenerNumber(), name, site);
        Enlist(listener);
        return true;
      }
    }
    larger.clear();
    larger.reserve(2 * larger.capacity() + 4);
    if (!MakeSpare()) throw std::bad_alloc();
  }
}

void QueuedListeners::Enlist(const std::shared_ptr<QueuedListener>& listener) {
  {
    const EventLog::Own own(log_);
    if (!log_.HasCell()) log_.AddPage(listeners_.size());
    listener->EnterLog(log_);
    listener->bytes_before = bytes_;
    listeners_.push_back(listener);
    if (listener->takes_context()) ++with_context_;
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
    if (listener.takes_context()) --with_context_;
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

std::uint64_t QueuedListeners::DiscardAll() {
  std::uint64_t count = 0;
  ListenerId last = 0;
  while (const auto listener = NextAfter(last)) {
    last = listener->id();
    count += listener->Discard();
  }
  return count;
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

DeliveryCounts QueuedListeners::totals() const {
  mutex_.AssertHeld();
  DeliveryCounts totals = of_the_gone_;
  for (const auto& listener : listeners_) totals += listener->CountsAt(log_.tail());
  return totals;
}

}  // namespace belfry
