// How queued listeners end, and how one callable takes the place of another.

#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/publication.h"
#include "dispatch/queued_listener.h"
#include "dispatch/topic.h"
#include "dispatch/wait_graph.h"

namespace belfry {

using Outcome = DeliveryOutcome::Kind;

// By the one who is running: gives up the events before that position.
void QueuedListener::CancelUntil(std::uint64_t end) {
  QueuedListeners& listeners = topic().queued_listeners();
  while (lossy_ && started() < end) {
    Publication* const publication = listeners.TakeOldest(*this);
    if (publication == nullptr) break;
    cancelled_.fetch_add(1, std::memory_order_relaxed);
    publication->Ended(*this, Outcome::kCancelled);
  }
  for (std::uint64_t position = started(); position < end; position = started()) {
    Move(position);
    LogCell& cell = page_->At(position);
    // Who has claimed it needs a few instructions more.
    while (cell.state.load(std::memory_order_acquire) == LogCell::kEmpty) sync::Yield();
    Publication* const publication =
        cell.state.load(std::memory_order_relaxed) == LogCell::kPublication ? PublicationIn(cell)
                                                                            : nullptr;
    started_.store(position + 1, std::memory_order_release);
    cancelled_.fetch_add(1, std::memory_order_relaxed);
    if (publication != nullptr) {
      bytes_started_.store(bytes_started() + publication->bytes(), std::memory_order_release);
      publication->Ended(*this, Outcome::kCancelled);
    }
  }
  listeners.RoomMade();
}

// By the one who is alone with a detached listener: nobody begins a turn any more.
void QueuedListener::End() {
  QueuedListeners& listeners = topic().queued_listeners();
  CancelUntil(end_);
  for (bool last = false; !last;) {
    LogPage* const page = page_;
    last = page == end_page_;
    page_ = page->next.load(std::memory_order_acquire);
    listeners.Leave(*page);
  }
  {
    const DestructionScope scope(*core_, *this);
    callable_.reset();
    listeners.TakeNext(*this).reset();
  }
  listeners.Gone(*this);
}

// By the one who is running: the next callable takes over, and the former one ends.
void QueuedListener::TakeNext() {
  QueuedListeners& listeners = topic().queued_listeners();
  do {
    const DestructionScope scope(*core_, *this);
    if (std::unique_ptr<Callable> next = listeners.TakeNext(*this)) callable_.swap(next);
  } while (!listeners.Replaced(*this));
}

ReplaceResult QueuedListener::Replace(CallableHandle callable) {
  if (core_->forked()) return ReplaceResult::kClosed;
  const auto self = shared_from_this();  // what ends here may end the subscription, too
  QueuedListeners& listeners = topic().queued_listeners();
  {
    // What it becomes is one that waited to take over and never will, if there was one.
    auto next = std::make_unique<Callable>(callable);
    if (!listeners.SetNext(*this, next)) return ReplaceResult::kClosed;
  }
  const auto take_over = [this] {
    if (state_.BeginRunning()) EndTurn();  // else who is running does it
  };
  if (traits_.executor == nullptr) {
    core_->turns().Run(take_over);
  } else {
    take_over();
  }
  core_->TellQuiet();
  if (!replacing()) return ReplaceResult::kDone;
  return static_cast<ReplaceResult>(AwaitEnd(*this, [&] { listeners.AwaitReplaced(*this); }));
}

void QueuedListener::SetMuted(bool muted) {
  if (muted) {
    state_.Set(QueuedState::kMuted);
  } else {
    state_.Clear(QueuedState::kMuted);
  }
}

void QueuedListener::Finish() {
  if (topic().queued_listeners().Remove(*this)) End();
  core_->TellQuiet();  // what it had not started is not waited for any more
}

void QueuedListener::Detach() {
  const std::shared_ptr<QueuedListener> held = std::move(held_);
  if (!core_->forked()) Finish();  // else: locks may be held by threads that do not exist here
}

ResetResult QueuedListener::Reset() {
  const std::shared_ptr<QueuedListener> held = std::move(held_);
  if (core_->forked()) return ResetResult::kDone;
  Finish();
  QueuedListeners& listeners = topic().queued_listeners();
  if (listeners.IsGone(*this)) return ResetResult::kDone;
  return AwaitEnd(*this, [&] { listeners.AwaitGone(*this); });
}

std::uint64_t QueuedListener::Discard() {
  const std::uint32_t before = state_.Set(QueuedState::kDiscarding);
  const std::uint64_t count = topic().queued_listeners().tail() - started();
  if (state_.BeginRunning()) {  // else who is running does it
    EndTurn();
    core_->TellQuiet();
  }
  return (before & (QueuedState::kDiscarding | QueuedState::kDetached)) != 0 ? 0 : count;
}

}  // namespace belfry
