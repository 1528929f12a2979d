// A queued listener: its queue, its turn, what runs, and its end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "belfry/event_type.h"
#include "belfry/executor.h"
#include "belfry/listener_body.h"
#include "belfry/listener_options.h"
#include "belfry/stats.h"
#include "belfry/subscription.h"
#include "dispatch/callable.h"
#include "dispatch/frame.h"
#include "dispatch/listener.h"
#include "dispatch/mailbox.h"
#include "dispatch/publication.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

// How it was subscribed; fixed for its life.
struct QueuedTraits {
  Executor* executor = nullptr;  // null: its deliveries are run by a synchronous dispatcher
  QueueLimit limit{};
  Overflow overflow{};
};

// Whoever is last inside, or the one who detaches when nobody is, destroys the callable.
//
// Thread safety: any thread. The mutex is held for a few instructions and never while user code,
// allocators included, runs.
class QueuedListener final : public Listener,
                             public Runnable,
                             public std::enable_shared_from_this<QueuedListener> {
 public:
  // Throws what the callable's move throws, and std::bad_alloc.
  QueuedListener(std::shared_ptr<DispatcherCore> core, Topic& topic, const QueuedTraits& traits,
                 CallableHandle callable);
  ~QueuedListener();
  // Who it is; its subscription holds it from now on.
  void Begin(ListenerId id, std::string& name, Site site);
  // It never began.
  void Abandon() { held_.reset(); }

  const Overflow& overflow() const { return traits_.overflow; }
  bool takes_context() const { return callable_.takes_context(); }

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

  // --- The end ---
  void Detach() override;
  ResetResult Reset() override;
  // At the end of the dispatcher.
  void DetachNow();
  // Cancels what is queued and what is still to be committed; what runs goes on. Returns how many.
  std::uint64_t Discard();

  // --- What others may know ---
  DeliveryCounts counts() const override;
  bool detached() const;

 private:
  static constexpr int kTurnMax = 16;

  class Attempt;
  class Turn;

  bool Deliver(const Envelope& envelope);
  void Leave(bool handled);
  void Vanish();

  const std::shared_ptr<DispatcherCore> core_;
  const QueuedTraits traits_;
  const bool of_library_event_;

  mutable sync::Mutex mutex_;
  sync::Condition room_made_;
  sync::Condition ended_;
  Mailbox mailbox_ ABSL_GUARDED_BY(mutex_);
  DeliveryCounts counts_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<QueuedListener> posted_ ABSL_GUARDED_BY(mutex_);  // while a turn is posted
  std::shared_ptr<QueuedListener> held_;  // while there is a subscription; that's one
  Callable callable_;                     // called by those inside, destroyed by the last of them
  std::uint64_t inside_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t waiting_for_room_ ABSL_GUARDED_BY(mutex_) = 0;
  bool turn_posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool discarding_ ABSL_GUARDED_BY(mutex_) = false;
  bool detached_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
