#include "dispatch/frame.h"

#include <new>

#include "dispatch/inline_group.h"
#include "dispatch/listener.h"

namespace belfry {

Frame::Frame(ThreadRecord& thread, Frame* outer)
    : depth_(outer == nullptr ? 1 : outer->depth_ + 1), thread_(thread), outer_(outer) {}

Frame* Frame::Inner() {
  Frame* inner = inner_.load(std::memory_order_relaxed);
  if (inner == nullptr) {
    inner = new (std::nothrow) Frame(thread_, this);
    inner_.store(inner, std::memory_order_release);
  }
  return inner;
}

bool Frame::Inside(const Listener& listener) {
  for (const Frame* frame = Innermost(); frame != nullptr; frame = frame->outer()) {
    if (frame->Is(listener.place())) return true;
  }
  return false;
}

Frame* Frame::InnermostOf(const DispatcherCore& core) {
  for (Frame* frame = Innermost(); frame != nullptr; frame = frame->outer()) {
    if (frame->core() == &core) return frame;
  }
  return nullptr;
}

std::string Frame::Describe() const {
  const void* const cell = current_.load(std::memory_order_relaxed);
  const Listener* listener = delivering;
  if (listener == nullptr && cell != nullptr) listener = group().ListenerIn(cell);
  return listener == nullptr ? "publish or destruction of a callable"
                             : "listener \"" + std::string(listener->name()) + "\"";
}

InlineGroup& Frame::group() const {
  return static_cast<InlineGroup&>(const_cast<InlineCells&>(*cells_));
}

Listener& Frame::CurrentListener() const {
  if (delivering != nullptr) return *delivering;
  return *group().ListenerIn(current_.load(std::memory_order_relaxed));
}

Topic& Frame::topic() const {
  return delivering != nullptr ? delivering->topic() : *static_cast<Topic*>(inside());
}

Cause Frame::cause() { return delivers() ? MadeEnvelope().AsCause() : OuterCause(); }

// What an inline pass without an envelope delivers has what was ambient at its publish.
const SharedBaggage* Frame::baggage() {
  if (run != nullptr) return nullptr;  // an event of bytes: it carries nothing
  const Envelope* const made = envelope_.made();
  if (made == nullptr) return OuterBaggage();
  return made->shared_baggage() == nullptr ? nullptr : &made->shared_baggage();
}

}  // namespace belfry
