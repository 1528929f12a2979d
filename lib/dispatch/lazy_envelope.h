// An envelope that is made when somebody asks for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "belfry/envelope.h"
#include "dispatch/frame.h"

namespace belfry {

// The envelope of what a frame delivers.
//
// Thread safety: the frame's thread.
class LazyEnvelope {
 public:
  explicit LazyEnvelope(const Frame& frame) : frame_(frame) {}
  ~LazyEnvelope() { Forget(); }
  LazyEnvelope(const LazyEnvelope&) = delete;
  LazyEnvelope& operator=(const LazyEnvelope&) = delete;

  // Of this event from now on. A pass's has no place for its id but the envelope, and the frame's
  // outer cause; a queued delivery's has no cause where none is given.
  void Begin(const void* event, const Cause* cause, sync::Atomic<std::uint64_t>* id) {
    Forget();
    event_ = event;
    cause_ = cause;
    id_ = id;
  }
  Envelope& Make();

 private:
  void Forget() {
    if (made_) envelope().~Envelope();
    made_ = false;
  }

  Envelope& envelope() { return *std::launder(reinterpret_cast<Envelope*>(place_)); }

  const Frame& frame_;
  const void* event_ = nullptr;
  const Cause* cause_ = nullptr;
  sync::Atomic<std::uint64_t>* id_ = nullptr;
  bool made_ = false;
  alignas(Envelope) std::byte place_[sizeof(Envelope)];
};

}  // namespace belfry
