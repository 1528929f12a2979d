// The rim between a queued listener's turn and the typed loop that delivers what is in its log.
//
// Users need nothing from this header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "belfry/atomic.h"
#include "belfry/export.h"
#include "belfry/failure.h"

namespace belfry {

// A place for one event. Written once by the publisher who claimed it, then by nobody until its
// page is used again.
struct alignas(16) LogCell {
  enum State : std::uint64_t {
    kEmpty,
    kPublication,     // a pointer to it is in the cell
    kValue,           // the event's bytes are
    kValueWithCause,  // and its cause is in the page
  };
  sync::Atomic<std::uint64_t> state{kEmpty};
  sync::Atomic<std::uint64_t> sequence{0};  // the event's id, when somebody has asked for it

  void* bytes() { return this + 1; }
};

// A turn on its way through events of bytes that lie side by side in cells.
//
// Thread safety: the turn's thread; other threads read how far it has come.
class BELFRY_EXPORT QueuedPass {
 public:
  // The next event, whose delivery begins; null when the loop is to be left.
  const void* Next() {
    LogCell* const cell = next_;
    if (cell == end_ || cell->state.load(std::memory_order_acquire) < LogCell::kValue) {
      return nullptr;
    }
    // In this order: what comes after the listener was stopped is seen together with that.
    if (asked_ || state_->load(std::memory_order_seq_cst) != goes_on_) return nullptr;
    started_->store(++position_, std::memory_order_release);
    sync::LightBarrier();
    if (waiting_->load(std::memory_order_relaxed)) RoomMade();
    next_ = reinterpret_cast<LogCell*>(reinterpret_cast<std::byte*>(cell) + stride_);
    return cell->bytes();
  }
  // The delivery that began last ended with an error.
  [[gnu::cold]] void Failed(const Failure& failure);

 protected:
  QueuedPass() = default;
  ~QueuedPass() = default;

  LogCell* next_ = nullptr;
  const LogCell* end_ = nullptr;
  std::size_t stride_ = 0;
  std::uint64_t position_ = 0;  // of the next one
  bool asked_ = false;          // for the envelope of the event that was delivered last
  std::uint32_t goes_on_ = 0;   // the listener's state as long as nothing else is to be done
  const sync::Atomic<std::uint32_t>* state_ = nullptr;
  sync::Atomic<std::uint64_t>* started_ = nullptr;
  const sync::Atomic<bool>* waiting_ = nullptr;

 private:
  [[gnu::cold]] void RoomMade();
};

}  // namespace belfry
