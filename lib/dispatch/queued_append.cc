// How an event gets into the log of a type's queued listeners: the short way and the long one.

#include <algorithm>
#include <utility>

#include "dispatch/publication.h"
#include "dispatch/queued_listeners.h"
#include "dispatch/topic.h"

namespace belfry {

using Code = PublishResult::Code;

// --- The short way ---

bool QueuedListeners::TryAppend(EventHandle event, const Cause* cause) {
  for (;;) {
    switch (log_.TryAppend(event, cause)) {
      case EventLog::Appended::kYes:
        if (idle_.load(std::memory_order_seq_cst) != 0) WakeIdle();
        return true;
      case EventLog::Appended::kNoRoom:
        if (!MoveBound() && !(GiveWay() && MoveBound())) return false;
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

// Gives way, for a moment, to those who make room, rather than sleep and be woken for a single
// place. Whether there is room for some more events than one by then.
bool QueuedListeners::GiveWay() {
  constexpr int kLooks = 64;
  if (Executor::Current() != nullptr) return false;  // it may be that one who makes room
  for (int i = 0; i < kLooks; ++i) {
    sync::Yield();
    bool room = true;
    const sync::Lock lock(mutex_);
    for (const auto& listener : listeners_) {
      const Overflow& overflow = listener->traits().overflow;
      if (overflow.policy != Overflow::Policy::kBlock) return false;
      if (overflow.patience < std::chrono::milliseconds(1)) return false;
      const std::uint64_t events_max = EventsMax(*listener, {event_size_, false});
      room = room && log_.tail() - listener->started() < events_max - events_max / 8;
    }
    if (room) return true;
  }
  return false;
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

std::uint64_t QueuedListeners::EventsMax(const QueuedListener& listener, EventSize size) const {
  const QueueLimit& limit = listener.traits().limit;
  const std::uint64_t events = std::min<std::uint64_t>(limit.events_max, std::uint64_t{1} << 48);
  return size.counted ? events : std::min<std::uint64_t>(events, limit.bytes_max / size.bytes);
}

QueuedListeners::Room QueuedListeners::RoomOf(const QueuedListener& listener,
                                              EventSize size) const {
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

void QueuedListeners::RecordRefusers(EventSize size, Outcomes& outcomes) const {
  for (const auto& listener : List()) {
    bool refuses = false;
    {
      const sync::Lock lock(mutex_);
      refuses = !listener->lossy() && RoomOf(*listener, size) != Room::kYes;
    }
    if (refuses) outcomes.Record(*listener, DeliveryOutcome::Kind::kRefused);
  }
}

QueueRefusal QueuedListeners::Reserve(EventSize size) {
  Publication* dead = nullptr;  // dropped by the last one who had it
  LogPage* freed = nullptr;
  QueueRefusal refusal;
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
            if (oldest->Drop()) oldest->next_turn = std::exchange(dead, oldest);
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
  while (dead != nullptr) std::exchange(dead, dead->next_turn)->End();
  GiveBackPages(freed);
  return refusal;
}

void QueuedListeners::GiveBack(EventSize size) {
  {
    const sync::Lock lock(mutex_);
    const EventLog::Own own(log_);
    --reserved_events_;
    reserved_bytes_ -= size.bytes;
    UpdateBound();
  }
  RoomMade();
}

QueuedListener* QueuedListeners::Commit(Publication& publication, EventSize size) {
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

bool QueuedListeners::AwaitRoom(const QueuedListener& listener, EventSize size,
                                SteadyTime deadline) {
  const sync::Lock lock(mutex_);
  bool in_time = true;
  while (in_time) {
    waiting_.store(true, std::memory_order_relaxed);
    // From the barrier on either who makes room sees that, or this sees the room. Only where the
    // system has none is there need to look again.
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

}  // namespace belfry
