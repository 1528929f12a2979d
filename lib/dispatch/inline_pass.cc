// One publish through the inline listeners of its type.

#include "belfry/inline_pass.h"

#include <cxxabi.h>

#include <bit>
#include <utility>

#include "dispatch/catching.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/inline_listeners.h"
#include "dispatch/outcomes.h"
#include "dispatch/topic.h"

namespace belfry {

using Outcome = DeliveryOutcome::Kind;

namespace {

// Cells fill from below, so mostly the lowest bits are those that are set. The general count is a
// call on machines for which the compiler may not assume an instruction.
std::uint64_t CountBits(std::uint64_t bits) {
  const bool lowest = (bits & (bits + 1)) == 0;
  return static_cast<unsigned>(lowest ? std::countr_one(bits) : std::popcount(bits));
}

// The bits of the group's cells behind the current one.
std::uint64_t Later(const InlineGroup& group, const void* current) {
  const unsigned index = group.IndexOf(current);
  return index == 63 ? 0 : ~std::uint64_t{0} << (index + 1);
}

}  // namespace

// --- For the typed loop ---

// From a change on that is asked for each of those still to be called, since several may have been
// reset. What the last listener left may wait for that.
bool InlinePass::StillCalls(unsigned index) {
  Frame& frame = static_cast<Frame&>(*this);
  InlineGroup& group = frame.group();
  InlineListeners& listeners = frame.topic().inline_listeners();
  const bool live = (group.live.load(std::memory_order_acquire) >> index & 1) != 0 &&
                    group.Has(index, frame.version());
  const bool muted = live && group.IsMuted(index);
  if (muted) {
    listeners.Filter(frame, *group.members[index].listener.load(std::memory_order_acquire), kMuted);
  } else if (!live) {
    ++frame.skipped;
  }
  const bool calls = live && !muted;
  if (!calls) {
    current_.store(nullptr, std::memory_order_release);
    frame.recorded = true;
  }
  listeners.LeftCells(frame.version());
  return calls;
}

Context InlinePass::MakeContext(unsigned index) {
  Frame& frame = static_cast<Frame&>(*this);
  return Context(frame.topic().core().dispatcher(), frame.MadeEnvelope(),
                 *frame.group().members[index].listener.load(std::memory_order_relaxed));
}

void InlinePass::Failed(const Failure& failure) {
  Frame& frame = static_cast<Frame&>(*this);
  InlineListeners& listeners = frame.topic().inline_listeners();
  if (!failure.unwanted()) return listeners.Fail(frame, failure.what());
  listeners.Filter(frame, static_cast<InlineListener&>(frame.CurrentListener()), failure.what());
  frame.recorded = true;
}

// --- The pass ---

// Which of the live ones are to be called. Those that are muted are counted, and not missing.
std::uint64_t InlineListeners::Chosen(Frame& frame, InlineGroup& group, std::uint64_t live,
                                      std::uint64_t& missing) {
  const std::uint64_t in_set = group.Having(frame.version(), live);
  const std::uint64_t muted = in_set & group.muted.load(std::memory_order_acquire);
  std::uint64_t passed_over = 0;
  for (std::uint64_t left = muted; left != 0; left &= left - 1) {
    const auto index = static_cast<unsigned>(std::countr_zero(left));
    // Entered, so that the cell stays its own while that is counted.
    frame.current_.store(group.Cell(index), std::memory_order_release);
    if (!frame.StillCalls(index)) passed_over |= InlineGroup::Bit(index);
  }
  missing -= CountBits(passed_over);
  return in_set & ~passed_over;
}

void InlineListeners::Filter(Frame& frame, InlineListener& listener, std::string_view why) {
  roll_.CountFiltered(listener);
  if (frame.outcomes != nullptr) frame.outcomes->Record(listener, Outcome::kFiltered, why);
}

void InlineListeners::Fail(Frame& frame, std::string_view what) {
  InlineListener& listener =
      *frame.group().ListenerIn(frame.current_.load(std::memory_order_relaxed));
  roll_.CountFailed(listener);
  frame.recorded = true;
  if (frame.outcomes != nullptr) frame.outcomes->Record(listener, Outcome::kFailed, what);
  topic_.core().telling().OfFailure(listener, frame.MadeEnvelope(), what);
}

// Whatever one of them throws, the others are still called.
[[gnu::always_inline]] inline void InlineListeners::CallGroup(Frame& frame, InlineGroup& group,
                                                              std::uint64_t listeners,
                                                              const void* event) {
  while (listeners != 0) {
    bool all = false;
    const auto call = [&] {
      group.call_all(frame, group.cells, listeners, event);
      all = true;
    };
    const auto unwound = [&] {
      const void* const current = frame.current_.load(std::memory_order_relaxed);
      roll_.CountFailed(*group.ListenerIn(current));
      frame.skipped += CountBits(listeners & Later(group, current));
    };
    Catching(
        call, [&](std::string_view what) { Fail(frame, what); }, unwound);
    if (all) return;
    listeners &= Later(group, frame.current_.load(std::memory_order_relaxed));
  }
}

// The pass comes to a group. Returns which of these cells' listeners are to be called.
[[gnu::always_inline]] inline std::uint64_t InlineListeners::ComeTo(InlineGroup& group,
                                                                    std::uint64_t cells,
                                                                    Frame& frame,
                                                                    std::uint64_t& missing) {
  frame.cells_ = &group;
  frame.seen_ = group.changes.load(std::memory_order_acquire);
  std::uint64_t live = group.live.load(std::memory_order_acquire) & cells;
  if (group.settled.load(std::memory_order_acquire) > frame.version()) [[unlikely]] {
    live = Chosen(frame, group, live, missing);
  }
  missing -= CountBits(live);
  return live;
}

// Calls `call` for each group with those of its listeners that are to be called.
template <class Call>
[[gnu::always_inline]] inline void InlineListeners::Pass(Frame& frame, InlineGroup* group,
                                                         std::uint64_t offered, Call call) {
  std::uint64_t missing = offered;
  try {
    while (group != nullptr) {
      call(*group, ComeTo(*group, ~std::uint64_t{0}, frame, missing));
      group = group->next.load(std::memory_order_acquire);
      if (group == nullptr) break;
      frame.current_.store(nullptr, std::memory_order_release);
      LeftCells(frame.version());
    }
  } catch (const abi::__forced_unwind&) {
    EndPass(frame, missing);
    throw;
  }
  EndPass(frame, missing);
}

// The same for each run of cells in the listeners' order.
template <class Call>
[[gnu::always_inline]] inline void InlineListeners::PassInOrder(Frame& frame, std::uint64_t offered,
                                                                Call call) {
  const InlineOrders::Use use(orders_, frame);
  if (use.order() == nullptr) return Pass(frame, first(), offered, call);
  std::uint64_t missing = offered;
  try {
    for (std::size_t i = 0; i < use.order()->size; ++i) {
      const InlineOrder::Run& run = use.order()->runs[i];
      InlineGroup* const group = run.group.load(std::memory_order_acquire);
      if (group == nullptr) continue;
      call(*group, ComeTo(*group, run.cells, frame, missing));
      frame.current_.store(nullptr, std::memory_order_release);
      LeftCells(frame.version());
    }
  } catch (const abi::__forced_unwind&) {
    EndPass(frame, missing);
    throw;
  }
  EndPass(frame, missing);
}

// Those that were reset before their turn are counted, and whoever waits for the last listener, or
// for passes of this age, may go on.
inline void InlineListeners::EndPass(Frame& frame, std::uint64_t missing) {
  if ((missing | frame.skipped) != 0) [[unlikely]] {
    roll_.CountUncalled(missing + std::exchange(frame.skipped, 0));
  }
  const std::uint64_t version = frame.version();
  frame.SetVersion(Frame::kOver);
  frame.current_.store(nullptr, std::memory_order_release);
  LeftCells(version);
}

[[gnu::always_inline]] inline void InlineListeners::RunHere(Frame& frame, InlineGroup* first,
                                                            const void* event,
                                                            std::uint64_t offered) {
  if (first == nullptr) first = this->first();  // made after the caller looked
  Pass(frame, first, offered, [&](InlineGroup& group, std::uint64_t listeners) {
    CallGroup(frame, group, listeners, event);
  });
}

void InlineListeners::RunInOrder(Frame& frame, const void* event, std::uint64_t offered) {
  PassInOrder(frame, offered, [&](InlineGroup& group, std::uint64_t listeners) {
    CallGroup(frame, group, listeners, event);
  });
}

void InlineListeners::Run(Frame& frame, const InlineSet& set, const void* event) {
  if (frame.outcomes == nullptr) {
    return set.ordered() ? RunInOrder(frame, event, set.listeners)
                         : RunHere(frame, first(), event, set.listeners);
  }
  // One by one, so that it is known of each.
  const auto one_by_one = [&](InlineGroup& group, std::uint64_t listeners) {
    for (; listeners != 0; listeners &= listeners - 1) {
      frame.recorded = false;
      const std::uint64_t later = listeners & (listeners - 1);
      const auto index = static_cast<unsigned>(std::countr_zero(listeners));
      // Entered, so that the cell stays its own while that is told.
      const void* const cell = group.Cell(index);
      if (!frame.Enter(cell, group, frame.seen_) && !frame.StillCalls(index)) continue;
      frame.outcomes->Begin(*group.ListenerIn(cell));
      try {
        CallGroup(frame, group, listeners & ~later, event);
      } catch (const abi::__forced_unwind&) {
        frame.skipped += CountBits(later);
        throw;
      }
      if (frame.recorded) continue;
      const void* const current = frame.current_.load(std::memory_order_relaxed);
      frame.outcomes->Record(*group.ListenerIn(current), Outcome::kHandled);
    }
  };
  if (set.ordered()) return PassInOrder(frame, set.listeners, one_by_one);
  Pass(frame, first(), set.listeners, one_by_one);
}

// The listener set has changed since this thread's last pass, or that was its first.
void InlineListeners::CountNewSet(PassCount& count) {
  for (int tries = 0; !mutex_.TryLock(); sync::Pause()) {
    if (++tries < 64) continue;
    mutex_.Lock();
    break;
  }
  roll_.HandIn(count, set_.load(std::memory_order_relaxed));
  mutex_.Unlock();
}

// So many passes with one listener set: others will follow. From now on it is for those who change
// the set to see to it that this thread's passes are seen.
void InlineListeners::Settle(PassCount& count) {
  if (!sync::HeavyBarrier()) return;
  const sync::Lock lock(mutex_);
  count.settled = count.set == set_.load(std::memory_order_relaxed);
}

PublishResult DispatcherCore::Publish(EventType type, EventHandle handle) {
  Topic* const topic = topics_.Find(type);
  if (topic == nullptr) return PublishPlainly(type, handle);
  InlineListeners& listeners = topic->inline_listeners();
  if (listeners.may_be_queued()) return PublishBytes(*topic, handle);
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return {PublishResult::Code::kOutOfMemory, 0};
  PassCount* const count = frame->thread().counts.At(listeners.roll().number());
  if (count == nullptr) return {PublishResult::Code::kOutOfMemory, 0};
  InlineGroup* const first = listeners.first();
  for (;; listeners.CountNewSet(*count)) {
    const InlineSet set{count->set, count->listeners};
    if (!set.only_plain() || frame->depth() > options_.depth_max || forked()) [[unlikely]] {
      if (set.word == 0) continue;  // not known yet
      return PublishPlainly(type, handle);
    }
    const void* const event = handle.event();
    const FrameScope scope(*frame, *this,
                           {.inside = topic, .event = event, .version = set.version()},
                           count->settled ? std::memory_order_release : std::memory_order_seq_cst);
    if (!listeners.IsCurrent(*count)) [[unlikely]]
      continue;
    if (count->CountOne() == sync::kHeavyBarrierPays) [[unlikely]]
      listeners.Settle(*count);
    listeners.RunHere(*frame, first, event, set.listeners);
    return {};
  }
}

namespace {

// The same where the inline listeners are in order; kept apart, so that who asks for none does not
// pay for it. False when that is not so, or the event may not go this way.
bool TryPassInOrder(DispatcherCore& core, unsigned depth_max, Topic& topic, EventHandle handle) {
  InlineListeners& listeners = topic.inline_listeners();
  Frame* const frame = Frame::Next();
  if (frame == nullptr || frame->depth() > depth_max || core.forked()) return false;
  PassCount* const count = frame->thread().counts.At(listeners.roll().number());
  if (count == nullptr) return false;
  for (;; listeners.CountNewSet(*count)) {
    const InlineSet set{count->set, count->listeners};
    if (set.word == 0) continue;
    if (!set.only_plain_in_order()) return false;
    const void* const event = handle.event();
    const FrameScope scope(*frame, core,
                           {.inside = &topic, .event = event, .version = set.version()},
                           count->settled ? std::memory_order_release : std::memory_order_seq_cst);
    if (!listeners.IsCurrent(*count)) continue;
    if (count->CountOne() == sync::kHeavyBarrierPays) listeners.Settle(*count);
    listeners.RunInOrder(*frame, event, set.listeners);
    return true;
  }
}

}  // namespace

PublishResult DispatcherCore::PublishPlainly(EventType type, EventHandle handle) {
  Topic* const topic = topics_.Find(type);
  if (topic != nullptr && TryPassInOrder(*this, options_.depth_max, *topic, handle)) return {};
  return Publish(type, handle, {});
}

}  // namespace belfry
