// One event's delivery to a listener that has a queue.
#pragma once

#include <optional>

#include "belfry/check.h"
#include "belfry/context.h"
#include "dispatch/callable.h"
#include "dispatch/catching.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/outcomes.h"
#include "dispatch/publication.h"

namespace belfry {

// The frame in which a listener's events are delivered.
class DeliveringScope {
 public:
  DeliveringScope(DispatcherCore& core, Listener& listener)
      : frame_(Next()), scope_(frame_, core, {.inside = &listener}) {
    frame_.delivering = &listener;
  }
  ~DeliveringScope() { frame_.delivering = nullptr; }
  DeliveringScope(const DeliveringScope&) = delete;
  DeliveringScope& operator=(const DeliveringScope&) = delete;

  Frame& frame() { return frame_; }

 private:
  static Frame& Next() {
    Frame* const frame = Frame::Next();
    BELFRY_CHECK(frame != nullptr, "there is no memory for a delivery inside another one");
    return *frame;
  }

  Frame& frame_;
  const FrameScope scope_;
};

// What `Attempt` asks, for a delivery that is over after one attempt: `count` is told how it ended.
template <class Count>
struct OnlyAttempt {
  AttemptState Failed(const Thrown&) const { return {}; }
  std::optional<DeliveryOutcome::Kind> Ended(DeliveryOutcome::Kind how) const {
    count(how);
    return how;
  }

  const Count count;
};
template <class Count>
OnlyAttempt(Count) -> OnlyAttempt<Count>;

// An attempt at a delivery, from its start to its end, which comes even when it unwinds the thread.
// `Listening` is asked after a failure whether there will be another one, and told first how the
// attempt ended: it returns what became of the delivery by that, or nothing when it is not over.
//
// Thread safety: the frame's thread.
template <class Listening>
class Attempt {
 public:
  using Outcome = DeliveryOutcome::Kind;

  // Of a publication, whose reference it gives back, or of bytes.
  Attempt(DispatcherCore& core, Listener& listener, Frame& frame, Publication* publication,
          Listening& listening)
      : core_(core),
        listener_(listener),
        frame_(frame),
        publication_(publication),
        listening_(listening) {
    frame_.recorded = false;
    frame_.CountDelivery();
    frame_.SetCurrent(&listener);
    if (publication_ == nullptr) return;
    frame_.outcomes = publication_->outcomes.get();
    frame_.envelope().Use(publication_->envelope());
    if (frame_.outcomes != nullptr) frame_.outcomes->Begin(listener);
  }
  ~Attempt() {
    const std::optional<Outcome> over = listening_.Ended(outcome_);
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
    const auto call = [&] {
      Failure failure;
      if (callable.takes_context()) {
        Context context(core_.dispatcher(), frame_.MadeEnvelope(), listener_);
        failure = callable.Call(event, &context);
      } else {
        failure = callable.Call(event, nullptr);
      }
      outcome_ = !failure             ? Outcome::kHandled
                 : failure.unwanted() ? Outcome::kFiltered
                                      : Outcome::kFailed;
      if (outcome_ == Outcome::kFiltered) why_filtered_ = failure.what();
      if (outcome_ == Outcome::kFailed) Fail({failure.what(), failure.permanent()});
    };
    Catching(
        call, [&](const Thrown& thrown) { Fail(thrown); }, [] {});
  }

 private:
  void Fail(const Thrown& thrown) {
    core_.Fail(listener_, frame_, thrown.what, listening_.Failed(thrown));
  }

  DispatcherCore& core_;
  Listener& listener_;
  Frame& frame_;
  Publication* const publication_;
  Listening& listening_;
  Outcome outcome_ = Outcome::kFailed;
  std::string_view why_filtered_;  // a literal
};

}  // namespace belfry
