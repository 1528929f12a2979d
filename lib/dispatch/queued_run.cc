#include "dispatch/queued_run.h"

#include <algorithm>

#include "dispatch/catching.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/frame.h"
#include "dispatch/queued_listener.h"
#include "dispatch/topic.h"

namespace belfry {

QueuedRun::QueuedRun(QueuedListener& listener, Frame& frame, LogPage& page, std::uint64_t position,
                     std::uint64_t count)
    : listener_(listener), frame_(frame), page_(page) {
  next_ = &page.At(position);
  end_ = &page.At(std::min(position + count, page.end()));
  stride_ = page.stride();
  position_ = position;
  // Anything else than that is something to be done.
  goes_on_ = listener.state().word() & (QueuedState::kPosted | QueuedState::kRunning);
  state_ = &listener.state().place();
  started_ = &listener.position();
  waiting_ = &listener.topic().queued_listeners().waiting();
  frame_.run = this;
  frame_.CountDelivery();
  frame_.SetCurrent(&listener);
}

QueuedRun::~QueuedRun() {
  frame_.SetCurrent(nullptr);
  frame_.run = nullptr;
  frame_.envelope().End();
}

void QueuedRun::Deliver() {
  for (bool over = false; !over;) {
    const auto call = [&] {
      listener_.callable().CallEach(*this);
      over = !asked_;
    };
    Catching(
        call, [&](std::string_view what) { Fail(what); }, [&] { listener_.CountFailed(); });
    if (asked_) frame_.envelope().End();
    asked_ = false;
  }
}

void QueuedRun::Introduce(LazyEnvelope& envelope) {
  if (asked_) return;
  asked_ = true;
  LogCell& cell = page_.At(position_ - 1);
  envelope.Begin(frame_, cell.bytes(), page_.CauseOf(position_ - 1), cell.sequence);
}

void QueuedRun::Fail(std::string_view what) {
  frame_.core()->Fail(listener_, frame_, what);
  listener_.CountFailed();
}

// --- For the typed loop ---

void QueuedPass::Failed(const Failure& failure) {
  static_cast<QueuedRun*>(this)->Fail(failure.what());  // it was called
}

void QueuedPass::RoomMade() {
  static_cast<QueuedRun*>(this)->listener_.topic().queued_listeners().RoomMade();
}

}  // namespace belfry
