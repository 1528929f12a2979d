// One publish through the inline listeners of its type, and what is counted by it.

#include "belfry/inline_pass.h"

#include <cxxabi.h>

#include <algorithm>
#include <bit>
#include <exception>

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/inline_listeners.h"
#include "dispatch/lazy_envelope.h"
#include "dispatch/topic.h"

namespace belfry {

// --- For the typed loop ---

// The exact answer, when the group has changed. What the last listener left may wait for that.
bool InlinePass::StillCalls(unsigned index) {
  Frame& frame = static_cast<Frame&>(*this);
  const InlineGroup& group = *frame.group;
  InlineListeners& listeners = frame.topic->inline_listeners();
  seen_ = group.changes.load(std::memory_order_acquire);
  const bool live = (group.live.load(std::memory_order_acquire) >> index & 1) != 0;
  const bool calls =
      live && group.members[index].born.load(std::memory_order_acquire) <= frame.version;
  if (!calls) {
    ++frame.skipped;
    current_.store(nullptr, std::memory_order_release);
  }
  listeners.LeftCells(frame);
  return calls;
}

Context InlinePass::MakeContext(unsigned index) {
  Frame& frame = static_cast<Frame&>(*this);
  const InlineGroup& group = *frame.group;
  return Context(frame.topic->core().dispatcher(), frame.envelope(),
                 *group.members[index].listener.load(std::memory_order_relaxed));
}

void InlinePass::Failed(const std::string& what) {
  Frame& frame = static_cast<Frame&>(*this);
  frame.topic->inline_listeners().Fail(frame, what);
}

// --- The pass ---

// The one place where what leaves an inline listener is caught: the others are still called.
inline void InlineListeners::CallGroup(Frame& frame, InlineGroup& group, std::uint64_t listeners,
                                       const void* event) {
  frame.group = &group;
  frame.changes_ = &group.changes;
  while (listeners != 0) {
    try {
      group.call_all(frame, group.cells, listeners, event);
      return;
    } catch (const abi::__forced_unwind&) {
      CountFailed(frame);
      frame.skipped += static_cast<unsigned>(std::popcount(listeners & Later(frame)));
      frame.current_.store(nullptr, std::memory_order_release);
      LeftCells(frame);
      throw;  // the thread is being cancelled: swallowing that would abort
    } catch (const std::exception& exception) {
      Fail(frame, exception.what());
    } catch (...) {
      Fail(frame, "an exception that is not a std::exception");
    }
    listeners &= Later(frame);
  }
}

inline void InlineListeners::RunHere(Frame& frame, InlineGroup* first, const void* event,
                                     std::uint64_t listeners) {
  // Those that were reset before their turn are counted, also when the thread is unwound.
  struct Tally {
    ~Tally() {
      const std::uint64_t done = called - frame.skipped;
      if (done != offered) uncalled.fetch_add(offered - done, std::memory_order_relaxed);
    }
    Frame& frame;
    const std::uint64_t offered;
    sync::Atomic<std::uint64_t>& uncalled;
    std::uint64_t called = 0;
  };
  if (first == nullptr) first = this->first();  // made after the caller looked
  frame.skipped = 0;
  Tally tally{frame, listeners, uncalled_};
  for (InlineGroup* group = first; group != nullptr;
       group = group->next.load(std::memory_order_acquire)) {
    frame.seen_ = group->changes.load(std::memory_order_acquire);
    std::uint64_t live = group->live.load(std::memory_order_acquire);
    if (group->newest.load(std::memory_order_relaxed) > frame.version) {
      live = group->BornUntil(frame.version, live);
    }
    if (live == 0) continue;
    tally.called += static_cast<unsigned>(std::popcount(live));
    CallGroup(frame, *group, live, event);
    frame.current_.store(nullptr, std::memory_order_release);
    LeftCells(frame);
  }
}

void InlineListeners::Run(Frame& frame, const void* event, std::uint64_t listeners) {
  RunHere(frame, first(), event, listeners);
}

// The bits of the group's cells behind the current one.
std::uint64_t InlineListeners::Later(const Frame& frame) {
  const unsigned index = frame.group->IndexOf(frame.current_.load(std::memory_order_relaxed));
  return index == 63 ? 0 : ~std::uint64_t{0} << (index + 1);
}

InlineListener& InlineListeners::CountFailed(const Frame& frame) {
  InlineListener& listener =
      *frame.group->ListenerIn(frame.current_.load(std::memory_order_relaxed));
  listener.failed_.fetch_add(1, std::memory_order_relaxed);
  failed_.fetch_add(1, std::memory_order_relaxed);
  return listener;
}

void InlineListeners::Fail(Frame& frame, std::string_view what) {
  InlineListener& listener = CountFailed(frame);
  topic_.core().TellFailure(listener, frame.envelope(), what);
}

// The path of an event that only inline listeners get: no lock, no allocation, no clock, nothing
// written that other threads write. Everything else goes the long way.
PublishResult DispatcherCore::Publish(EventType type, const EventHandle& event) {
  Topic* const topic = topics_.Find(type);
  if (topic == nullptr) return Publish(type, event, {});
  if (topic->inline_listeners().may_be_queued()) return PublishBytes(*topic, event);
  Frame* const frame = Frame::Next();
  if (frame == nullptr) return {PublishResult::Code::kOutOfMemory, 0};
  InlineListeners& listeners = topic->inline_listeners();
  PassCount* const count = frame->thread().counts.At(listeners.number());
  if (count == nullptr) return {PublishResult::Code::kOutOfMemory, 0};
  InlineGroup* const first = listeners.first();
  {
    const FrameScope scope(*frame, *this, topic);
    listeners.Refresh(*count);
    const InlineSet set{count->set, count->listeners};
    if (set.only_plain() && state_.load(std::memory_order_seq_cst) == State::kOpen &&
        frame->depth() <= options_.depth_max && !forked()) {
      count->CountOne();
      LazyEnvelope envelope(*frame);
      envelope.Begin(event.event, nullptr, nullptr);
      frame->topic = topic;
      frame->version = set.version();
      frame->lazy = &envelope;
      listeners.RunHere(*frame, first, event.event, set.listeners);
      return {};
    }
  }
  return Publish(type, event, {});
}

// --- Counting ---

// The listener set has changed since this thread's last pass, or that was its first.
void InlineListeners::CountNewSet(PassCount& count) {
  for (int tries = 0; !mutex_.TryLock(); sync::Pause()) {
    if (++tries < 64) continue;
    mutex_.Lock();
    break;
  }
  Attribute(count.passes.load(std::memory_order_relaxed), {count.set, count.listeners});
  count.passes.store(0, std::memory_order_relaxed);
  count.set = set_.load(std::memory_order_relaxed);
  count.listeners = live_;
  mutex_.Unlock();
}

// Passes that were made with an older listener set are not of those who came later.
void InlineListeners::Attribute(std::uint64_t passes, const InlineSet& set) {
  passes_ += passes;
  offered_ += passes * set.listeners;
  for (InlineListener* listener = youngest_;
       listener != nullptr && listener->born_ > InlineSet::VersionOf(set.word);
       listener = listener->older_) {
    listener->passes_before_ += passes;
  }
}

void InlineListeners::CountPass(const InlineSet& set) {
  mutex_.AssertHeld();
  Attribute(1, set);
}

template <class Visit>
void InlineListeners::ForEachCount(Visit visit) const {
  for (ThreadRecord* thread = ThreadRecord::First(); thread != nullptr; thread = thread->next) {
    const PassCount* const count = thread->counts.Find(number_.value());
    if (count != nullptr && count->set != 0) {
      visit(*count, count->passes.load(std::memory_order_relaxed));
    }
  }
}

// What is left of the offered deliveries was handled. Of a pass that is under way, those still to
// be called are among them.
DeliveryCounts InlineListeners::Derive(std::uint64_t offered, std::uint64_t dead,
                                       std::uint64_t cancelled, std::uint64_t running) {
  DeliveryCounts counts;
  counts.offered = offered;
  counts.dead = dead;
  counts.cancelled = cancelled;
  // While a failure is told, the listener is still the current one.
  counts.running = std::min(running, offered - std::min(offered, dead + cancelled));
  counts.handled = offered - std::min(offered, dead + cancelled + counts.running);
  return counts;
}

DeliveryCounts InlineListeners::counts(const InlineListener& listener) const {
  const sync::Lock lock(mutex_);
  return LockedCounts(listener);
}

DeliveryCounts InlineListeners::LockedCounts(const InlineListener& listener) const {
  std::uint64_t offered = passes_ - listener.passes_before_;
  ForEachCount([&](const PassCount& count, std::uint64_t passes) {
    if (InlineSet::VersionOf(count.set) >= listener.born_) offered += passes;
  });
  std::uint64_t running = 0;
  Frame::ForEach([&](const Frame& frame) { running += frame.Is(listener.place()); });
  return Derive(offered, listener.failed_.load(std::memory_order_relaxed), 0, running);
}

std::vector<ListedListener> InlineListeners::List() const {
  struct Row {
    ListenerId id;
    Site site;
    Place place;
    std::size_t name_size;
    DeliveryCounts counts;
  };
  // Nothing is allocated under the lock: there must be room before.
  std::vector<Row> rows;
  std::string names;
  for (bool fits = false; !fits;) {
    rows.reserve(rows.capacity() * 2 + 16);
    names.reserve(names.capacity() * 2 + 1);
    const sync::Lock lock(mutex_);
    rows.clear();
    names.clear();
    fits = true;
    for (const InlineListener* l = youngest_; l != nullptr && fits; l = l->older_) {
      const std::string_view name = l->given_name();
      fits = rows.size() < rows.capacity() && name.size() <= names.capacity() - names.size();
      if (!fits) break;
      rows.push_back({l->id(), l->site(), l->place(), name.size(), LockedCounts(*l)});
      names += name;
    }
  }
  std::vector<ListedListener> listeners;
  std::string_view left = names;
  for (const Row& row : rows) {
    const std::string_view name = left.substr(0, row.name_size);
    left.remove_prefix(row.name_size);
    listeners.push_back(
        {{row.id, name.empty() ? Listener::DefaultName(topic_.type(), row.site) : std::string(name),
          topic_.type(), row.counts},
         row.place});
  }
  return listeners;
}

InlineListeners::Totals InlineListeners::totals() const {
  mutex_.AssertHeld();
  Totals totals{passes_, {}};
  std::uint64_t offered = offered_;
  ForEachCount([&](const PassCount& count, std::uint64_t passes) {
    totals.passes += passes;
    offered += passes * count.listeners;
  });
  std::uint64_t running = 0;
  Frame::ForEach(
      [&](const Frame& frame) { running += frame.inside() == &topic_ && frame.calls(); });
  totals.deliveries = Derive(offered, failed_.load(std::memory_order_relaxed),
                             uncalled_.load(std::memory_order_relaxed), running);
  return totals;
}

}  // namespace belfry
