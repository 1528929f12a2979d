// What runs on each thread, as the thread itself and others see it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "belfry/clock.h"
#include "belfry/inline_pass.h"
#include "dispatch/pass_counts.h"
#include "event/ambient.h"
#include "sync/sync.h"

namespace belfry {

class DispatcherCore;
struct InlineGroup;
class Listener;
class Topic;
struct ThreadRecord;

// Where a running listener is found. A queued one is what its turn's frame is inside of, and is
// current while it is called; an inline one's frame is inside of its topic, and current is its cell.
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
  class LazyEnvelope* lazy = nullptr;
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

// One thread, in a list that only grows; when it ends, a later thread goes on with its record.
//
// Thread safety: any thread.
struct ThreadRecord {
  ThreadRecord() : outermost(*this, nullptr) {}

  sync::Atomic<std::int64_t> thread_id{0};
  // What a Reset on this thread waits for. Written under the graph's mutex; a report may look at it
  // without.
  sync::Atomic<const Listener*> waiting_for{nullptr};
  sync::Atomic<bool> in_use{true};
  // How many wait for this thread to leave a frame.
  sync::Atomic<unsigned> watchers{0};
  ThreadRecord* next = nullptr;
  PassCounts counts;
  Frame outermost;

  // The calling thread's; null when there is no memory for it.
  static ThreadRecord* Current() { return current != nullptr ? current : Acquire(); }
  static ThreadRecord* First() { return first.load(std::memory_order_acquire); }

  // Waits until no other thread is in a frame of `core`; false at the deadline.
  static bool AwaitLeft(const DispatcherCore& core, std::optional<SteadyTime> deadline);
  static bool HaveLeft(const DispatcherCore& core) { return BusyFrame(core) == nullptr; }
  [[gnu::cold]] static void TellWatchers();

 private:
  static bool IsBusy(const Frame& frame, const DispatcherCore& core);
  static Frame* BusyFrame(const DispatcherCore& core);
  static ThreadRecord* Acquire();
  static void Release(void* record);
  static thread_local ThreadRecord* current __attribute__((tls_model("initial-exec")));
  static sync::Atomic<ThreadRecord*> first;
};

inline Frame* Frame::Next() {
  if (Frame* const innermost = Innermost()) return innermost->Inner();
  ThreadRecord* const thread = ThreadRecord::Current();
  return thread == nullptr ? nullptr : &thread->outermost;
}

template <class Visit>
void Frame::ForEach(Visit visit) {
  for (ThreadRecord* thread = ThreadRecord::First(); thread != nullptr; thread = thread->next) {
    for (Frame* frame = &thread->outermost; frame != nullptr;
         frame = frame->inner_.load(std::memory_order_acquire)) {
      visit(*frame);
    }
  }
}

// Enters a frame for a block, and leaves it however that ends.
//
// Thread safety: its own thread.
class FrameScope {
 public:
  // Entered with another order than seq_cst, others may see it later.
  FrameScope(Frame& frame, DispatcherCore& core, const void* inside,
             std::memory_order order = std::memory_order_seq_cst)
      : frame_(frame) {
    frame_.entries_.store(frame_.entries_.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
    frame_.core_.store(&core, std::memory_order_relaxed);
    frame_.inside_.store(inside, order);
    frame_.outer_scope_ = ambient.scope;
    ambient.frame = &frame_;
    frame_.made = nullptr;
    frame_.lazy = nullptr;
    frame_.delivering = nullptr;
  }
  ~FrameScope() {
    frame_.current_.store(nullptr, std::memory_order_release);
    frame_.inside_.store(nullptr, std::memory_order_release);
    ambient.frame = frame_.outer_;
    ambient.scope = frame_.outer_scope_;
    if (frame_.thread_.watchers.load(std::memory_order_relaxed) != 0) ThreadRecord::TellWatchers();
  }
  FrameScope(const FrameScope&) = delete;
  FrameScope& operator=(const FrameScope&) = delete;

 private:
  Frame& frame_;
};

// Around the destruction of a listener's callable, which is user code of its too. Where there is no
// memory for a frame there is none.
class DestructionScope {
 public:
  DestructionScope(DispatcherCore& core, const Listener& listener) {
    if (Frame* const frame = Frame::Next()) scope_.emplace(*frame, core, &listener);
  }

 private:
  std::optional<FrameScope> scope_;
};

// The envelope of a pass, made when somebody asks for it.
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
    if (made_) envelope_.~Envelope();
    made_ = false;
  }

  const Frame& frame_;
  const void* event_ = nullptr;
  const Cause* cause_ = nullptr;
  sync::Atomic<std::uint64_t>* id_ = nullptr;
  bool made_ = false;
  union {
    Envelope envelope_;
  };
};

// A wait of the calling thread for the end of a listener's deliveries, entered into the wait-for
// graph. A thread waits for a listener; a listener waits for the threads that run it; a thread
// cannot go on before it leaves the listeners it is in. A wait that would close a cycle is not
// entered.
class WaitForListener {
 public:
  explicit WaitForListener(const Listener& listener);
  ~WaitForListener();
  WaitForListener(const WaitForListener&) = delete;
  WaitForListener& operator=(const WaitForListener&) = delete;

  bool would_deadlock() const { return thread_ == nullptr; }

 private:
  ThreadRecord* thread_ = nullptr;
};

}  // namespace belfry
