// A listener with a mailbox: events by key, several at once, or with some that may be lost.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "belfry/executor.h"
#include "belfry/listener_options.h"
#include "belfry/publish_outcome.h"
#include "dispatch/callable.h"
#include "dispatch/listener.h"
#include "dispatch/mailbox.h"
#include "dispatch/mailbox_traits.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

// Has as many turns as events may run at once; one is posted whenever an event may start and
// another turn is free.
//
// Thread safety: any thread. No user code, allocator or executor runs under its mutex, which is
// taken after its topic's.
class MailboxListener final : public ListenerWithQueue,
                              public std::enable_shared_from_this<MailboxListener> {
 public:
  // Takes the projections out of the options. Throws what the callable's move throws, and
  // std::bad_alloc.
  MailboxListener(std::shared_ptr<DispatcherCore> core, Topic& topic, const MailboxTraits& traits,
                  ListenerOptions& options, CallableHandle callable);
  ~MailboxListener();
  // Who it is; its subscription holds it from now on.
  void Begin(ListenerId id, std::string& name, Site site);

  const MailboxTraits& traits() const { return traits_; }
  RateLimit& drops_told() { return drops_told_; }

  // --- A publish's, in this order ---
  // Mail for an event; null when it is detached. Calls user code. Throws std::bad_alloc.
  Mail* Prepare(const void* event, std::size_t bytes);
  // Not for mail without a key. What is dropped for it is the caller's, to end.
  enum class Reserved { kYes, kNo, kNever, kDropped };
  Reserved Reserve(Mail& mail, Mail*& dropped);
  void GiveBack(const Mail& mail);
  std::optional<Nanoseconds> patience() const override;
  bool AwaitRoom(EventSize size, const Mail* mail, SteadyTime deadline) override;
  // The event is accepted, and the topic's mutex held. Whether the listener has got it: it was
  // offered it then. Returns the turn to post, if there is one.
  struct Given {
    bool offered = false;
    bool queued = false;  // the mail is the listener's
    Runnable* to_post = nullptr;
  };
  Given Give(Mail& mail, Publication& publication, bool dropped);
  void Post(Runnable& turn) { traits_.executor->Post(turn); }
  // Mail that is not needed any more.
  void Recycle(Mail* mail);
  // A list of mail whose events were queued and are not delivered.
  void EndUndelivered(Mail* mail, DeliveryOutcome::Kind how);

  // --- Deliveries ---
  void DeliverUntil(const Publication& publication) override;

  // --- The end ---
  void Detach() override;
  ResetResult Reset() override;
  ReplaceResult Replace(CallableHandle callable) override;
  void SetMuted(bool muted) override;
  void Finish() override;
  std::uint64_t Discard() override;
  // --- Its topic's, under the mutex ---
  // It is in the listener set no more.
  void Leave();
  bool takes_context() const;
  // Puts the former callable among those that were replaced.
  struct Replaced {
    CallableInUse* former = nullptr;  // null when it is detached
    bool unused = false;
  };
  Replaced Swap(std::unique_ptr<CallableInUse>& next);

  // --- Counting ---
  DeliveryCounts counts() const;
  ListedListener Listed() const;
  bool detached() const;
  bool quiet() const;
  bool running() const override;
  std::uint64_t started() const override { return 0; }  // a frame counts each

 private:
  // What a delivery works with.
  struct Delivery {
    Mail* mail = nullptr;
    CallableInUse* callable = nullptr;
    bool muted = false;
  };
  class Turn;
  class Preparing;
  class Ending;

  void RunTurn(Turn& turn);
  void EndTurn(Turn& turn);
  Delivery Start(const Publication* last);
  bool DeliverNext(Frame& frame, const Publication* last);
  void Ended(const Delivery& delivery, DeliveryOutcome::Kind how, Ending& ending);
  void Destroy(CallableInUse& replaced);
  bool IsReplaced(const CallableInUse* callable) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RoomMade() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::uint64_t CancelQueued();
  void EndIfOver();
  bool Over() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Runnable* TakeTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool may_start() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return mailbox_.ready() && !detached_ && !discarding_;
  }
  void KeepSpare(Mail& mail) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Project(Mail& mail, const void* event);

  const std::shared_ptr<DispatcherCore> core_;
  const MailboxTraits traits_;
  RateLimit drops_told_;
  std::vector<std::unique_ptr<Turn>> turns_;
  std::shared_ptr<MailboxListener> held_;  // by its subscription

  mutable sync::Mutex mutex_;
  sync::Condition changed_;  // room was made, or something ended
  Mailbox mailbox_ ABSL_GUARDED_BY(mutex_);
  // Both are called under no mutex, by publishers who are counted meanwhile. They end with the
  // callable.
  EventKey key_;
  EventKey same_;
  const bool projects_;
  unsigned preparing_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<CallableInUse> callable_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<CallableInUse> replaced_ ABSL_GUARDED_BY(mutex_);
  Turn* free_turns_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Mail* spare_ ABSL_GUARDED_BY(mutex_) = nullptr;
  DeliveryCounts counts_ ABSL_GUARDED_BY(mutex_);    // without what is queued or runs
  bool waited_for_ ABSL_GUARDED_BY(mutex_) = false;  // by who wants room
  bool muted_ ABSL_GUARDED_BY(mutex_) = false;
  bool discarding_ ABSL_GUARDED_BY(mutex_) = false;
  bool detached_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
