// A listener with a mailbox: events by key, several at once, or with some that may be lost.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "belfry/executor.h"
#include "belfry/publish_outcome.h"
#include "dispatch/callable.h"
#include "dispatch/lingering.h"
#include "dispatch/listener.h"
#include "dispatch/mailbox.h"
#include "dispatch/mailbox_delivery.h"
#include "dispatch/mailbox_faces.h"
#include "dispatch/mailbox_projections.h"
#include "dispatch/mailbox_traits.h"
#include "dispatch/spare_mail.h"
#include "dispatch/suspensions.h"
#include "sync/sync.h"

namespace belfry {

class EventSelection;

// Has as many turns as events may run at once; one is posted whenever an event may start and
// another turn is free.
//
// Thread safety: any thread. No user code, allocator or executor runs under its mutex, which is
// taken after its topic's.
class MailboxListener final : public ListenerWithQueue,
                              public WakeTarget,
                              public std::enable_shared_from_this<MailboxListener> {
 public:
  // Takes the projections out of the options. Throws what the callable's move throws, or bad_alloc.
  MailboxListener(std::shared_ptr<DispatcherCore> core, Topic& topic, const MailboxTraits& traits,
                  ListenerOptions& options, CallableHandle callable,
                  std::unique_ptr<const EventSelection> selection);
  ~MailboxListener();
  // Who it is; its subscription holds it from now on.
  void Begin(ListenerId id, std::string& name, Site site);

  const MailboxTraits& traits() const { return traits_; }
  const EventSelection* selection() const { return selection_.get(); }  // null: its topic's alone
  MailboxFace* Attach(std::unique_ptr<MailboxFace>& face);  // null when it has it, or is detached
  MailboxFace* FaceOf(const Topic& topic) const;
  RateLimit& drops_told() { return told_.drops; }

  // --- A publish's, in this order ---
  // Mail for an event; null when it is detached. Calls user code. Throws std::bad_alloc.
  Mail* Prepare(MailboxFace& face, const void* event, std::size_t bytes);
  // Not for mail without a key. What is dropped for it is the caller's, to end.
  enum class Reserved { kYes, kNo, kNever, kDropped };
  Reserved Reserve(Mail& mail, Mail*& dropped);
  void GiveBack(const Mail& mail);
  std::optional<Nanoseconds> patience() const override;
  bool AwaitRoom(EventSize size, const Mail* mail, SteadyTime deadline) override;
  MailGiven Give(Mail& mail, Publication& publication, bool dropped);  // the topic's mutex is held
  void Post(Runnable& turn) { traits_.executor->Post(turn); }
  void Recycle(Mail* mail);  // it is not needed any more
  void Open();               // there is no sticky event
  void EndUndelivered(Mail* list, DeliveryOutcome::Kind how);

  // --- A synchronous dispatcher's, and of deliveries that wait ---
  void DeliverUntil(const Publication& publication) override;
  bool DeliverDue(std::uint64_t last_turn);  // whether it is to be due again
  DueListener due;
  void Wake(void* mail, std::uint64_t ticket) override;
  std::size_t SeeWaiting(WaitingMails& seen) const;
  LingeringPlace lingers;

  // --- The end ---
  void Detach() override;
  ResetResult Reset() override;
  ReplaceResult Replace(CallableHandle callable) override;
  void SetMuted(bool muted) override;
  void Finish() override;
  std::uint64_t Discard() override;
  // --- Its topic's, under the mutex ---
  void Leave();  // the listener set
  bool takes_context() const;
  // Puts `next` into the place of the former callable; nothing when it is detached.
  ReplacedCallable Swap(std::unique_ptr<CallableInUse>& next);

  // --- Counting ---
  const MailboxFace* faces() const;  // all of them, when none comes any more
  DeliveryCounts counts(const MailboxFace& face) const;
  ListedListener Listed() const;
  bool detached() const;
  bool quiet() const;
  bool running() const override;
  std::uint64_t started() const override { return 0; }  // a frame counts each

 private:
  class Turn;
  class Preparing;
  class Ending;
  void RunTurn(Turn& turn);
  void DeliverInTurn(std::uint64_t last_turn, bool may_go_on);
  void EndTurn(Turn& turn);
  MailboxDelivery Start(std::uint64_t last_turn, bool may_go_on);
  bool DeliverNext(Frame& frame, std::uint64_t last_turn, bool may_go_on = true);
  void RetryLater(const ParkedMail& parked);
  void RetryNow(Mail& mail, std::uint64_t ticket);
  bool Unpark(Mail& mail, std::uint64_t ticket);
  std::uint64_t GiveUpSuspended();
  DeliveryCounts Seen(const MailboxFace& face) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Destroy(CallableInUse& replaced);
  void RoomMade() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::uint64_t CancelQueued();
  void EndIfOver();
  bool Over() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Runnable* TakeTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool may_start() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return mailbox_.ready() && mailbox_.running() < traits_.concurrency && !shut_ && !detached_ &&
           !discarding_;
  }
  void Project(Mail& mail, const void* event);

  const std::shared_ptr<DispatcherCore> core_;
  const MailboxTraits traits_;
  LossesTold told_;
  std::vector<std::unique_ptr<Turn>> turns_;
  std::shared_ptr<MailboxListener> held_;  // by its subscription
  const std::unique_ptr<const EventSelection> selection_;

  mutable sync::Mutex mutex_;
  sync::Condition changed_;  // room was made, or something ended
  Mailbox mailbox_ ABSL_GUARDED_BY(mutex_);
  // Used under no mutex, by publishers who are counted meanwhile. Ends with the callable.
  MailProjections projections_;
  const bool prepares_;  // mail by user code, or with more than there is to spare
  unsigned preparing_ ABSL_GUARDED_BY(mutex_) = 0;
  CallablesInUse callables_ ABSL_GUARDED_BY(mutex_);
  Turn* free_turns_ ABSL_GUARDED_BY(mutex_) = nullptr;
  SpareMail spare_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t tickets_ ABSL_GUARDED_BY(mutex_) = 0;
  Suspensions suspensions_ ABSL_GUARDED_BY(mutex_);
  MailboxFaces faces_ ABSL_GUARDED_BY(mutex_);
  bool waited_for_ ABSL_GUARDED_BY(mutex_) = false;  // by who wants room
  bool shut_ ABSL_GUARDED_BY(mutex_);                // until it has got its sticky event
  bool muted_ ABSL_GUARDED_BY(mutex_) = false;
  bool discarding_ ABSL_GUARDED_BY(mutex_) = false;
  bool detached_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
