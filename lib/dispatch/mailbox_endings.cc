// How listeners with a mailbox end, and how one callable takes the place of another.

#include <utility>

#include "belfry/event_selection.h"
#include "dispatch/attempt.h"
#include "dispatch/mailbox_listener.h"
#include "dispatch/topic.h"
#include "dispatch/wait_graph.h"

namespace belfry {

using Outcome = DeliveryOutcome::Kind;

void MailboxListener::Leave() {
  const sync::Lock lock(mutex_);
  detached_ = true;
  RoomMade();
  if (traits_.suspends) topic().mailbox_listeners().lingering().Add(shared_from_this());
}

std::uint64_t MailboxListener::CancelQueued() {
  Mail* cancelled = nullptr;
  std::uint64_t count = 0;
  {
    const sync::Lock lock(mutex_);
    for (;;) {
      Mail* const parked = mailbox_.TakeParked();
      Mail* const next = parked != nullptr ? parked : mailbox_.TakeOldest();
      if (next == nullptr) break;
      DeliveryCounts& counts = next->face->counts;
      --(parked != nullptr ? counts.retrying : counts.queued);
      ++counts.cancelled;
      next->ticket = 0;
      next->next_alike = std::exchange(cancelled, next);
      ++count;
    }
    RoomMade();
  }
  for (const Mail* mail = cancelled; mail != nullptr; mail = mail->next_alike) {
    if (mail->timer) core_->timers()->Cancel(mail->timer);
  }
  EndUndelivered(cancelled, Outcome::kCancelled);
  return count;
}

bool MailboxListener::Over() const {
  return detached_ && !ending_ && mailbox_.idle() && preparing_ == 0 && !callables_.any_replaced();
}

// The last one who had to do with a detached listener ends it.
void MailboxListener::EndIfOver() {
  std::unique_ptr<CallableInUse> callable;
  MailProjections projections;
  {
    const sync::Lock lock(mutex_);
    if (!Over()) return;
    ending_ = true;
    callable = callables_.TakeCurrent();
    std::swap(projections, projections_);
  }
  {
    const DestructionScope scope(*core_, *this);
    callable.reset();
    projections = {};
  }
  for (const MailboxFace* face = faces(); face != nullptr; face = face->next) {
    face->topic->mailbox_listeners().Gone(counts(*face));
  }
  {
    const sync::Lock lock(mutex_);
    gone_ = true;
    changed_.NotifyAll();
  }
  if (!traits_.suspends) return;
  topic().mailbox_listeners().lingering().Remove(*this);
  core_->TellQuiet();
}

void MailboxListener::Finish() {
  const auto self = shared_from_this();  // the roll may be the last one who holds it
  if (topic().mailbox_listeners().Remove(*this)) {
    if (selection_ != nullptr) core_->topics().Unwatch(*this);
    CancelQueued();
    EndIfOver();
  }
  core_->TellQuiet();
}

void MailboxListener::Detach() {
  const std::shared_ptr<MailboxListener> held = std::move(held_);
  if (!core_->forked()) Finish();  // else: locks may be held by threads that do not exist here
}

ResetResult MailboxListener::Reset() {
  const std::shared_ptr<MailboxListener> held = std::move(held_);
  if (core_->forked()) return ResetResult::kDone;
  Finish();
  GiveUpSuspended();
  {
    const sync::Lock lock(mutex_);
    if (gone_) return ResetResult::kDone;
  }
  return AwaitEnd(*this, [&] {
    const sync::Lock lock(mutex_);
    while (!gone_) changed_.Wait(mutex_);
  });
}

// Nobody uses it any more.
void MailboxListener::Destroy(CallableInUse& replaced) {
  {
    const DestructionScope scope(*core_, *this);
    replaced.callable.reset();
  }
  std::unique_ptr<CallableInUse> removed;
  {
    const sync::Lock lock(mutex_);
    removed = callables_.TakeReplaced(replaced);
    changed_.NotifyAll();
  }
  EndIfOver();
}

ReplaceResult MailboxListener::Replace(CallableHandle callable) {
  if (core_->forked()) return ReplaceResult::kClosed;
  const auto self = shared_from_this();  // what ends here may end the subscription, too
  auto next = std::make_unique<CallableInUse>(callable);
  const ReplacedCallable replaced = topic().mailbox_listeners().Swap(*this, next);
  if (replaced.former == nullptr) return ReplaceResult::kClosed;
  if (replaced.unused) {
    Destroy(*replaced.former);
    return ReplaceResult::kDone;
  }
  return static_cast<ReplaceResult>(AwaitEnd(*this, [&] {
    const sync::Lock lock(mutex_);
    while (callables_.IsReplaced(replaced.former)) changed_.Wait(mutex_);
  }));
}

bool MailboxListener::takes_context() const {
  if (selection_ != nullptr) return true;  // its callable may be replaced, but its types are many
  const sync::Lock lock(mutex_);
  return callables_.takes_context();
}

ReplacedCallable MailboxListener::Swap(std::unique_ptr<CallableInUse>& next) {
  const sync::Lock lock(mutex_);
  if (detached_) return {};
  CallableInUse* const former = callables_.Replace(next);
  return {former, former->users == 0};
}

void MailboxListener::SetMuted(bool muted) {
  const sync::Lock lock(mutex_);
  muted_ = muted;
}

std::uint64_t MailboxListener::Discard() {
  {
    const sync::Lock lock(mutex_);
    discarding_ = true;
  }
  const std::uint64_t count = CancelQueued() + GiveUpSuspended();
  core_->TellQuiet();
  return count;
}

// --- Counting ---

// What is queued at a detached one will not be delivered any more, whoever comes to cancel it.
DeliveryCounts MailboxListener::Seen(const MailboxFace& face) const {
  DeliveryCounts counts = face.counts;
  if (!detached_ && !discarding_) return counts;
  counts.cancelled += std::exchange(counts.queued, 0) + std::exchange(counts.retrying, 0);
  return counts;
}

const MailboxFace* MailboxListener::faces() const {
  const sync::Lock lock(mutex_);
  return faces_.first();
}

DeliveryCounts MailboxListener::counts(const MailboxFace& face) const {
  const sync::Lock lock(mutex_);
  return Seen(face);
}

ListedListener MailboxListener::Listed() const {
  ListenerTraits traits = MarkedTraits();
  traits.queue = traits_.limit;
  traits.overflow = traits_.policy;
  traits.concurrency = traits_.concurrency;
  traits.starvation_max = traits_.starvation_max;
  traits.attempts_max = traits_.retry.attempts_max;
  traits.deadline = traits_.deadline;
  traits.dead_letters = traits_.dead_letters;
  ListedListener listed{
      {id(), std::string(name()), topic().type(), {}, traits}, place(), started()};
  if (selection_ != nullptr) listed.stats.selects = selection_->Describe();
  const sync::Lock lock(mutex_);
  listed.stats.muted = muted_;
  for (const MailboxFace* face = faces_.first(); face != nullptr; face = face->next) {
    listed.stats.deliveries += Seen(*face);
  }
  return listed;
}

bool MailboxListener::detached() const {
  const sync::Lock lock(mutex_);
  return detached_;
}

bool MailboxListener::quiet() const {
  const sync::Lock lock(mutex_);
  return mailbox_.idle();
}

bool MailboxListener::running() const {
  const sync::Lock lock(mutex_);
  return mailbox_.running() != 0;
}

}  // namespace belfry
