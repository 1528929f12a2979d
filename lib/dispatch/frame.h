// One level of what runs on a thread, as the thread itself and others see it.
#pragma once

#include <cstdint>
#include <string>

#include "belfry/inline_pass.h"
#include "event/ambient.h"
#include "sync/sync.h"

namespace belfry {

class DispatcherCore;
class LazyEnvelope;
class Listener;
class Topic;
struct InlineGroup;
struct ThreadRecord;

// Where a running listener is found. A queued one is what its turn's frame is inside of, and it is
// current while it is called; an inline one's frame is inside of its topic, and current is its
// cell.
struct Place {
  const void* inside = nullptr;
  const void* current = nullptr;
};

// One pass (a publish that calls inline listeners), one queued delivery, or the destruction of a
// callable, which is user code of its listener too. A thread's frames form a stack whose memory is
// never given back, so that others may look at any time.
//
// Thread safety: entered and left by its own thread. Others may ask for what is atomic. `inside` is
// stored with seq_cst on entry: whoever changed something with seq_cst and then does not find the
// frame inside knows that it will see the change.
class alignas(64) Frame final : public InlinePass, public AmbientFrame {
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

  bool Is(Place place) const {
    return inside() == place.inside && current_.load(std::memory_order_acquire) == place.current;
  }
  const void* inside() const { return inside_.load(std::memory_order_seq_cst); }
  // How often it was entered: says whether it is still the same pass.
  std::uint64_t entries() const { return entries_.load(std::memory_order_acquire); }
  // Its own thread's, where no InlinePass does it.
  void SetCurrent(const Listener* listener) { current_.store(listener, std::memory_order_release); }
  bool calls() const { return current_.load(std::memory_order_acquire) != nullptr; }
  DispatcherCore* core() const { return core_.load(std::memory_order_relaxed); }
  ThreadRecord& thread() const { return thread_; }
  Frame* outer() const { return outer_; }
  unsigned depth() const { return depth_; }  // 1 for the outermost

  // --- Of its own thread ---
  // For messages: 'listener "mail.welcome"'.
  std::string Describe() const;
  // What was the ambient cause outside of it, if there was any.
  bool HasOuterCause() const { return outer_ != nullptr || outer_scope_ != nullptr; }
  Cause OuterCause() const { return Ambient{outer_, outer_scope_}.cause(); }
  // Of a delivery: its event's.
  const Envelope& envelope();

  // The envelope when there is one, else where to make it; neither in a callable's destructor.
  const Envelope* made = nullptr;
  LazyEnvelope* lazy = nullptr;
  Listener* delivering = nullptr;  // a queued listener
  // A pass's: the version of its listener set, the group it is in, and how many listeners of the
  // groups so far it has not called.
  Topic* topic = nullptr;
  std::uint64_t version = 0;
  InlineGroup* group = nullptr;
  std::uint64_t skipped = 0;

 private:
  friend class InlinePass;
  friend class InlineListeners;
  friend class FrameScope;

  static Cause CauseOf(AmbientFrame& frame);
  Frame* Inner();

  sync::Atomic<const void*> inside_{nullptr};
  sync::Atomic<std::uint64_t> entries_{0};
  sync::Atomic<DispatcherCore*> core_{nullptr};
  sync::Atomic<Frame*> inner_{nullptr};
  const CauseScope* outer_scope_ = nullptr;
  ThreadRecord& thread_;
  Frame* const outer_;
  const unsigned depth_;
};

}  // namespace belfry
