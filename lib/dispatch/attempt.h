// One event's delivery to a listener that has a queue.
#pragma once

#include <string_view>

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

// A delivery, from its start to its end, which comes even when it unwinds the thread. `count` is
// told first how it ended.
//
// Thread safety: the frame's thread.
template <class Count>
class Attempt {
 public:
  using Outcome = DeliveryOutcome::Kind;

  // Of a publication, whose reference it gives back, or of bytes.
  Attempt(DispatcherCore& core, Listener& listener, Frame& frame, Publication* publication,
          Count count)
      : core_(core),
        listener_(listener),
        frame_(frame),
        publication_(publication),
        count_(std::move(count)) {
    frame_.recorded = false;
    frame_.CountDelivery();
    frame_.SetCurrent(&listener);
    if (publication_ == nullptr) return;
    frame_.outcomes = publication_->outcomes.get();
    frame_.envelope().Use(publication_->envelope());
  }
  ~Attempt() {
    count_(outcome_);
    frame_.SetCurrent(nullptr);
    frame_.envelope().End();  // what still happens in this turn has no event for a cause
    frame_.outcomes = nullptr;
    if (publication_ == nullptr) return;
    if (frame_.recorded) {
      publication_->Release();
    } else {
      publication_->Ended(listener_, outcome_);
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
      if (outcome_ == Outcome::kFailed) core_.Fail(listener_, frame_, failure.what());
    };
    Catching(
        call, [&](std::string_view what) { core_.Fail(listener_, frame_, what); }, [] {});
  }

 private:
  DispatcherCore& core_;
  Listener& listener_;
  Frame& frame_;
  Publication* const publication_;
  Count count_;
  Outcome outcome_ = Outcome::kFailed;
};

}  // namespace belfry
