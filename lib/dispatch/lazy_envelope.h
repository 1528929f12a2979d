// An envelope that is made when somebody asks for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "belfry/envelope.h"
#include "sync/sync.h"

namespace belfry {

class Frame;

// The envelope of what a frame delivers, if it delivers anything.
//
// Thread safety: the frame's thread.
class LazyEnvelope {
 public:
  LazyEnvelope() = default;
  ~LazyEnvelope() { Forget(); }
  LazyEnvelope(const LazyEnvelope&) = delete;
  LazyEnvelope& operator=(const LazyEnvelope&) = delete;

  // Of this event from now on; null: of none. What was made before was forgotten.
  void Begin(const void* event) { event_ = event; }
  // The same of an event of bytes, with its cause, and the place of its id.
  void Begin(const Frame& frame, const void* event, const Cause& cause,
             sync::Atomic<std::uint64_t>& id);
  // This one from now on.
  void Use(const Envelope& made) {
    Begin(made.event());
    made_ = &made;
  }
  void Forget() {
    if (made_ != nullptr) ForgetMade();
  }
  // Of nothing any more.
  void End();

  bool delivers() const { return event_ != nullptr; }
  const Envelope* made() const { return made_; }
  const Envelope& Made(const Frame& frame) {
    if (made_ == nullptr) Make(frame);
    return *made_;
  }

 private:
  void Make(const Frame& frame);
  [[gnu::cold]] void ForgetMade();

  const void* event_ = nullptr;
  const Envelope* made_ = nullptr;  // here, or elsewhere
  alignas(Envelope) std::byte place_[sizeof(Envelope)];
};

}  // namespace belfry
