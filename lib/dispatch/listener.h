// A registered listener: its queue, what runs, and its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "belfry/event_type.h"
#include "belfry/executor.h"
#include "belfry/listener_body.h"
#include "belfry/listener_options.h"
#include "belfry/stats.h"
#include "belfry/subscription.h"
#include "dispatch/frame.h"
#include "dispatch/mailbox.h"
#include "dispatch/publication.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

// What a listener is made of; fixed for its life.
struct ListenerTraits {
  ListenerId id = 0;
  std::string name;
  EventType event_type;
  // Inline listeners have none; but on a synchronous dispatcher they wait their turn like the
  // others.
  bool has_queue = true;
  Executor* executor = nullptr;  // null: its deliveries are run by a synchronous dispatcher
  Overflow overflow{};
  // Of the library's own events: a full queue drops the oldest instead of refusing, and a failure
  // is told to the log only.
  bool of_library_event = false;
};

// Life: subscribed → detached (nothing starts any more, the queue is cancelled) → gone (nothing
// runs, the callable is destroyed). Whoever is last inside, or the one who detaches when nobody is,
// destroys the callable.
//
// Thread safety: any thread. The mutex is held for a few instructions and never while user code,
// allocators included, runs.
class Listener final : public Runnable, public std::enable_shared_from_this<Listener> {
 public:
  Listener(std::shared_ptr<DispatcherCore> core, ListenerTraits traits, QueueLimit limit,
           std::unique_ptr<ListenerBody> body);
  ~Listener();

  const ListenerTraits& traits() const { return traits_; }
  bool takes_context() const { return takes_context_; }

  // --- A place in the queue, before the event is accepted ---
  enum class Room { kReserved, kFull, kNeverFits };
  Room Reserve(std::size_t bytes);
  void GiveUpRoom(std::size_t bytes);
  // Waits until Reserve is worth another try; false at the deadline.
  bool AwaitRoom(std::size_t bytes, SteadyTime deadline);

  // --- Deliveries ---
  // Fills a reserved place. kIdle: the caller posts the listener's turn. kDiscarded and kDetached:
  // the delivery is cancelled; the latter is for the caller to count.
  enum class Committed { kBusy, kIdle, kDiscarded, kDetached };
  Committed Commit(Delivery& delivery);
  void PostTurn();
  // The turn: what is queued, one after the other, at most kTurnMax of them.
  void Run() override;
  // The oldest one, on this thread; false when there is none, or when it is another than `only`.
  bool DeliverNext(const Delivery* only = nullptr);
  // An inline listener's; false when it was detached: for the caller to count.
  bool DeliverInline(const Envelope& envelope);

  // --- The end ---
  void Detach();
  ResetResult Reset();
  // Cancels what is queued and what is still to be committed; what runs goes on. Returns how many.
  std::uint64_t Discard();

  // --- What others may know ---
  DeliveryCounts counts() const;
  bool detached() const;
  RateLimit& failures_told() { return failures_told_; }

  // A delivery that runs, as the wait-for graph sees it.
  struct Runner {
    std::uint64_t number;
    const ThreadRecord* thread;
    std::int64_t thread_id;
    const Listener* waiting_for;  // meaningful under the graph's mutex only
  };
  // The one with the smallest number above `after`.
  std::optional<Runner> NextRunner(std::uint64_t after) const;

 private:
  static constexpr int kTurnMax = 16;

  class Attempt;
  class Turn;

  void Enter(Frame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Leave(Frame& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Deliver(const Envelope& envelope);
  void End(Frame& frame, bool handled);
  void Vanish(Frame& frame);

  const std::shared_ptr<DispatcherCore> core_;
  const ListenerTraits traits_;
  const bool takes_context_;
  RateLimit failures_told_;

  mutable sync::Mutex mutex_;
  sync::Condition room_made_;
  sync::Condition ended_;
  Mailbox mailbox_ ABSL_GUARDED_BY(mutex_);
  DeliveryCounts counts_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Listener> posted_self_ ABSL_GUARDED_BY(mutex_);  // while a turn is posted
  std::unique_ptr<ListenerBody> body_;  // called by those inside, destroyed by the last of them
  Frame* frames_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::uint64_t last_frame_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t waiting_for_room_ ABSL_GUARDED_BY(mutex_) = 0;
  bool turn_posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool discarding_ ABSL_GUARDED_BY(mutex_) = false;
  bool detached_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
