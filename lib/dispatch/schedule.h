// Events that are published later.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "belfry/ambient_context.h"
#include "belfry/executor.h"
#include "belfry/held_event.h"
#include "belfry/publish_options.h"
#include "belfry/scheduled.h"
#include "belfry/timers.h"
#include "dispatch/backoff.h"
#include "dispatch/linked_list.h"
#include "sync/sync.h"

namespace belfry {

class DispatcherCore;
class Schedule;

// One of them: it waits, then it is due and on its way to the executor, then it is published, and
// over; when it was refused for want of room it waits again.
//
// Thread safety: any thread.
class ScheduledEvent final : public Runnable, public std::enable_shared_from_this<ScheduledEvent> {
 public:
  ScheduledEvent(std::shared_ptr<DispatcherCore> core, std::unique_ptr<HeldEvent> event,
                 PublishOptions options, AmbientContext context);

  // Throws std::bad_alloc and std::system_error.
  void Arm(Nanoseconds delay);
  void Due();
  void Run() override;  // on the dispatcher's executor
  bool pending() const;
  bool Cancel();

 private:
  friend class Schedule;
  struct Busy;

  void Publish();
  bool TryAgain();
  void Fail(std::string_view what);

  const std::shared_ptr<DispatcherCore> core_;
  // Of who has taken it out of the schedule, or sent it on its way.
  std::unique_ptr<HeldEvent> event_;
  const PublishOptions options_;
  const AmbientContext context_;
  Backoff backoff_;
  std::shared_ptr<ScheduledEvent> self_;  // while it is on its way

  // --- The schedule's ---
  Links<ScheduledEvent> links_;
  std::shared_ptr<ScheduledEvent> held_;  // while it waits, or is on its way
  bool due_ = false;                      // which of both
  TimerId timer_;
};

// Those of one dispatcher that wait or are on their way, and how many threads are about them.
//
// Thread safety: any thread. No user code, allocator or timer runs under its mutex.
class Schedule {
 public:
  // Throws std::bad_alloc and std::system_error.
  Scheduled Add(DispatcherCore& core, Nanoseconds delay, std::unique_ptr<HeldEvent> event,
                PublishOptions options);

  // --- An event's ---
  // It waits from now on. False when the schedule is closed.
  bool Enter(ScheduledEvent& event);
  void SetTimer(ScheduledEvent& event, TimerId timer);
  // Its timer, if it was waiting: then it is the caller's.
  std::optional<TimerId> Cancel(ScheduledEvent& event);
  // Whether it was waiting: then it is on its way, and the caller sends it; Left when he has.
  bool Send(ScheduledEvent& event);
  // Whether it was on its way: then the caller publishes it; Left when he has.
  bool Start(ScheduledEvent& event);
  void Left();
  bool Waits(const ScheduledEvent& event) const;

  // From now on nothing enters; what waits or is on its way is let go of.
  void Close(Timers* timers);
  // Of those that were let go of, and those that were turned away.
  void CountUnpublished();
  std::uint64_t unpublished() const;
  std::uint64_t waiting() const;
  // Whether none is on its way, or being published.
  bool idle() const;

 private:
  std::shared_ptr<ScheduledEvent> Remove(ScheduledEvent& event)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable sync::Mutex mutex_;
  using List = LinkedList<ScheduledEvent, &ScheduledEvent::links_>;
  List waiting_ ABSL_GUARDED_BY(mutex_);
  List on_the_way_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t count_ ABSL_GUARDED_BY(mutex_) = 0;  // of those that wait
  std::uint64_t busy_ ABSL_GUARDED_BY(mutex_) = 0;   // threads
  std::uint64_t unpublished_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
