// One event's delivery to a listener that has a queue.
#pragma once

#include <optional>

#include "belfry/check.h"
#include "belfry/context.h"
#include "dispatch/callable.h"
#include "dispatch/catching.h"
#include "dispatch/delivering_scope.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/outcomes.h"
#include "dispatch/publication.h"
#include "dispatch/suspension.h"

namespace belfry {

// What `Attempt` asks, for a delivery that is over after one attempt: `count` is told how it ended.
template <class Count>
struct OnlyAttempt {
  AttemptState Failed(const Thrown&) const { return {}; }
  std::optional<DeliveryOutcome::Kind> Ended(DeliveryOutcome::Kind how) const {
    count(how);
    return how;
  }
  bool Waits() const { return false; }

  const Count count;
};
template <class Count>
OnlyAttempt(Count) -> OnlyAttempt<Count>;

// An attempt at a delivery, from its start to its end, which comes even when it unwinds the thread.
// `Listening` is asked after a failure whether there will be another one, and told first how the
// attempt ended: it returns what became of the delivery by that, or nothing when it is not over.
// Where an attempt may be suspended it is asked whether one that waits may do so, and another
// object of this class goes on with it.
//
// Thread safety: the frame's thread.
template <class Listening>
class Attempt {
 public:
  using Outcome = DeliveryOutcome::Kind;

  // Of a publication, whose reference it gives back, or of bytes. `suspension`: where it may be
  // suspended.
  Attempt(DispatcherCore& core, Listener& listener, Frame& frame, Publication* publication,
          Listening& listening, Suspension* suspension = nullptr)
      : core_(core),
        listener_(listener),
        frame_(frame),
        publication_(publication),
        listening_(listening) {
    frame_.recorded = false;
    frame_.CountDelivery();
    frame_.SetCurrent(&listener);
    frame_.suspension = suspension;
    if (publication_ == nullptr) return;
    frame_.outcomes = publication_->outcomes.get();
    frame_.envelope().Use(publication_->envelope());
    const bool begins = suspension == nullptr || suspension->rest == nullptr;
    if (begins && frame_.outcomes != nullptr) frame_.outcomes->Begin(listener);
  }
  ~Attempt() {
    Suspension* const suspension = std::exchange(frame_.suspension, nullptr);
    const bool waits = waits_ && listening_.Waits();
    if (waits_ && !waits) outcome_ = Outcome::kCancelled;
    if (suspension != nullptr && !waits) suspension->Clear();
    const std::optional<Outcome> over = waits ? std::nullopt : listening_.Ended(outcome_);
    frame_.SetCurrent(nullptr);
    frame_.envelope().End();  // what still happens in this turn has no event for a cause
    frame_.outcomes = nullptr;
    if (publication_ == nullptr || !over.has_value()) return;
    if (frame_.recorded) {
      publication_->Release();
    } else {
      publication_->Ended(listener_, *over, why_filtered_);
    }
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void Call(Callable& callable, const void* event) {
    Run([&] {
      if (!callable.takes_context()) return callable.Call(event, nullptr);
      if (Suspension* const suspension = frame_.suspension) {
        return callable.Call(event, &suspension->context.emplace(core_.dispatcher(),
                                                                 frame_.MadeEnvelope(), listener_));
      }
      Context context(core_.dispatcher(), frame_.MadeEnvelope(), listener_);
      return callable.Call(event, &context);
    });
  }
  // With one that has waited.
  void GoOn() {
    Run([&] {
      Suspension& suspension = *frame_.suspension;
      std::optional<Failure> failure = suspension.rest->GoOn(suspension.waker);
      if (!failure.has_value()) return Failure();
      suspension.rest.reset();
      return *std::move(failure);
    });
  }
  // The one that waits will not go on.
  void GiveUp() { outcome_ = Outcome::kCancelled; }

 private:
  template <class F>
  void Run(F run) {
    const CauseScope* const outer = ambient.scope;
    const auto call = [&] {
      const Failure failure = run();
      waits_ = !failure && frame_.suspension != nullptr && frame_.suspension->rest != nullptr;
      BELFRY_CHECK(ambient.scope == outer, "a coroutine waits inside of a CauseScope of its own");
      outcome_ = !failure             ? Outcome::kHandled
                 : failure.unwanted() ? Outcome::kFiltered
                                      : Outcome::kFailed;
      if (outcome_ == Outcome::kFiltered) why_filtered_ = failure.what();
      if (outcome_ == Outcome::kFailed) Fail({failure.what(), failure.permanent()});
    };
    Catching(
        call, [&](const Thrown& thrown) { Fail(thrown); }, [] {});
  }
  void Fail(const Thrown& thrown) {
    core_.Fail(listener_, frame_, thrown.what, listening_.Failed(thrown));
  }

  DispatcherCore& core_;
  Listener& listener_;
  Frame& frame_;
  Publication* const publication_;
  Listening& listening_;
  Outcome outcome_ = Outcome::kFailed;
  bool waits_ = false;
  std::string_view why_filtered_;  // a literal
};

}  // namespace belfry
