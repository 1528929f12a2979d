// One level of what runs on a thread, as the thread itself and others see it.
#pragma once

#include <cstdint>
#include <string>

#include "belfry/inline_pass.h"
#include "dispatch/lazy_envelope.h"
#include "dispatch/queued_run.h"
#include "event/ambient.h"
#include "sync/sync.h"

namespace belfry {

class DispatcherCore;
class Listener;
class Outcomes;
struct Suspension;
class Topic;
struct InlineGroup;
struct InlineOrder;
struct ThreadRecord;

// Where a listener is found that runs. A queued one is what its turn's frame is inside of; an
// inline one's frame is inside of its topic, and current is its cell. Where `until` is set, any
// pass of an older listener set may still come to it.
struct Place {
  const void* inside = nullptr;
  const void* cell = nullptr;
  std::uint64_t until = 0;
};

// One pass (a publish that calls inline listeners), one queued delivery, or the destruction of a
// callable, which is user code of its listener too. A thread's frames form a stack whose memory is
// never given back, so that others may look at any time.
//
// Thread safety: entered and left by its own thread. Others may ask for what is atomic. `inside` is
// stored with seq_cst on entry: whoever changed something with seq_cst and then does not find the
// frame inside knows that it will see the change.
class alignas(64) Frame final : public AmbientFrame, public InlinePass {
 public:
  Frame(ThreadRecord& thread, Frame* outer);

  // The innermost frame of the calling thread; null outside of all.
  static Frame* Innermost() { return static_cast<Frame*>(ambient.frame); }
  // The one that the calling thread would enter next; null when there is no memory for it.
  static Frame* Next();
  static bool Inside(const Listener& listener);
  static Frame* InnermostOf(const DispatcherCore& core);

  // Calls `visit` with every frame of every thread, in use or not.
  template <class Visit>
  static void ForEach(Visit visit);

  // Whether what is there cannot end before this frame goes on.
  bool Is(const Place& place) const {
    if (inside() != place.inside) return false;
    if (place.until != 0) return version() < place.until;
    return place.cell == nullptr || current_.load(std::memory_order_acquire) == place.cell;
  }
  // Whether it calls the listener that is there.
  bool Calls(const Place& place) const {
    if (inside() != place.inside) return false;
    return place.cell == nullptr ? calls() : current_.load(std::memory_order_acquire) == place.cell;
  }
  void* inside() const { return inside_.load(std::memory_order_seq_cst); }
  // A pass's listener set, or an older one while that is not known yet; kOver when it is through.
  static constexpr std::uint64_t kOver = ~std::uint64_t{0};
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void SetVersion(std::uint64_t version) { version_.store(version, std::memory_order_release); }
  // How many passes, turns' runs and single deliveries began in it. Fast passes are not counted;
  // none begins when the dispatcher is closed.
  std::uint64_t deliveries() const { return deliveries_.load(std::memory_order_acquire); }
  // Its own thread's, where no InlinePass does it.
  void SetCurrent(const Listener* listener) { current_.store(listener, std::memory_order_release); }
  void CountDelivery() {
    deliveries_.store(deliveries_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // What its pass goes through, where the listeners are in order.
  const InlineOrder* order() const { return order_.load(std::memory_order_seq_cst); }
  bool calls() const { return callee() != nullptr; }
  const void* callee() const { return current_.load(std::memory_order_acquire); }
  DispatcherCore* core() const { return core_.load(std::memory_order_relaxed); }
  ThreadRecord& thread() const { return thread_; }
  Frame* outer() const { return outer_; }
  unsigned depth() const { return depth_; }  // 1 for the outermost

  // --- Of its own thread ---
  // For messages: 'listener "mail.welcome"'.
  std::string Describe() const;
  // What was the ambient cause outside of it, if there may have been any.
  bool HasOuterCause() const { return outer_ != nullptr || ambient.scope != nullptr; }
  Cause OuterCause() const { return Ambient::CauseIn(outer_); }
  const SharedBaggage* OuterBaggage() const { return Ambient::BaggageIn(outer_); }
  const SharedExtras* OuterExtras() const { return Ambient::ExtrasIn(outer_); }
  Cause cause() override;
  const SharedBaggage* baggage() override;
  // Of what it delivers.
  LazyEnvelope& envelope() { return envelope_; }
  const Envelope& MadeEnvelope() {
    if (run != nullptr) run->Introduce(envelope_);
    return envelope_.Made(*this);
  }
  bool delivers() const { return run != nullptr || envelope_.delivers(); }
  // What it is a pass over, or delivers an event of.
  Topic& topic() const;
  InlineGroup& group() const;
  // Whose delivery it is in.
  Listener& CurrentListener() const;

  Listener* delivering = nullptr;    // a queued listener
  QueuedRun* run = nullptr;          // which is being given events one after the other
  std::uint64_t skipped = 0;         // a pass's listeners so far that it has not called
  Outcomes* outcomes = nullptr;      // where to tell what becomes of what it delivers
  bool recorded = false;             // of the delivery that began last
  Suspension* suspension = nullptr;  // of the delivery, where it may be suspended

 private:
  friend class InlinePass;
  friend class InlineListeners;
  friend class InlineOrders;
  friend class FrameScope;

  Frame* Inner();

  const unsigned depth_;
  sync::Atomic<void*> inside_{nullptr};
  sync::Atomic<std::uint64_t> version_{kOver};
  sync::Atomic<std::uint64_t> deliveries_{0};
  sync::Atomic<DispatcherCore*> core_{nullptr};
  LazyEnvelope envelope_;
  sync::Atomic<Frame*> inner_{nullptr};
  ThreadRecord& thread_;
  Frame* const outer_;
  sync::Atomic<const InlineOrder*> order_{nullptr};
};

}  // namespace belfry
