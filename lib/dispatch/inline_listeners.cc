#include "dispatch/inline_listeners.h"

#include <bit>
#include <cstring>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/topic.h"
#include "dispatch/wait_graph.h"
#include "event/registry.h"

namespace belfry {

// --- A listener's side ---

void InlineListener::Detach() { topic().inline_listeners().Detach(*this); }
ResetResult InlineListener::Reset() { return topic().inline_listeners().Reset(*this); }
DeliveryCounts InlineListener::counts() const { return topic().inline_listeners().counts(*this); }

InlineListeners::~InlineListeners() {
  for (ThreadRecord* thread = ThreadRecord::First(); thread != nullptr; thread = thread->next) {
    if (PassCount* const count = thread->counts.Find(number_.value())) {
      count->set = 0;
      count->passes.store(0, std::memory_order_relaxed);
    }
  }
  while (InlineGroup* const group = first_.load(std::memory_order_relaxed)) {
    first_.store(group->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
    InlineGroup::Delete(group);
  }
  while (InlineListener* const listener = spare_) {
    spare_ = listener->older_;
    delete listener;
  }
}

// --- Who listens ---

// A free cell with a spare listener in it; null when there is no room.
InlineListener* InlineListeners::Claim(const ListenerOperations& operations) {
  if (spare_ == nullptr) return nullptr;
  InlineGroup* group = first_.load(std::memory_order_relaxed);
  while (group != nullptr && (group->operations != &operations || group->full())) {
    group = group->next.load(std::memory_order_relaxed);
  }
  if (group == nullptr) return nullptr;
  InlineListener* const listener = std::exchange(spare_, spare_->older_);
  listener->group_ = group;
  listener->index_ = static_cast<unsigned>(std::countr_zero(~group->taken));
  group->taken |= std::uint64_t{1} << listener->index_;
  listener->has_handle_ = true;
  ++handles_;
  return listener;
}

// What Claim was missing. Under no lock, since it allocates.
void InlineListeners::MakeRoom(const ListenerOperations& operations) {
  std::unique_ptr<InlineListener> listener;
  InlineGroup* made = nullptr;
  unsigned groups = 0;
  {
    const sync::Lock lock(mutex_);
    bool room = false;
    for (InlineGroup* group = first_.load(std::memory_order_relaxed); group != nullptr;
         group = group->next.load(std::memory_order_relaxed)) {
      if (group->operations != &operations) continue;
      ++groups;
      room = room || !group->full();
    }
    if (room) groups = ~0U;
  }
  listener = std::make_unique<InlineListener>(topic_);
  // A type with few listeners shall not pay for many.
  if (groups != ~0U) {
    made = InlineGroup::Make(operations, groups == 0   ? 4
                                         : groups == 1 ? 16
                                                       : InlineGroup::kCellsMax);
  }
  std::shared_ptr<DispatcherCore> core = topic_.core().shared_from_this();
  const sync::Lock lock(mutex_);
  if (keeps_core_ == nullptr) keeps_core_ = std::move(core);
  listener->older_ = spare_;
  spare_ = listener.release();
  if (made == nullptr) return;
  sync::Atomic<InlineGroup*>* end = &first_;
  while (InlineGroup* const group = end->load(std::memory_order_relaxed)) end = &group->next;
  end->store(made, std::memory_order_release);
}

InlineListener* InlineListeners::Add(CallableHandle callable, std::string name, Site site) {
  const ListenerOperations& operations = callable.operations;
  const ListenerId id = NextListenerNumber();
  Remains remains;
  InlineListener* listener = nullptr;
  for (;;) {
    {
      const sync::Lock lock(mutex_);
      if (topic_.core().closed()) return nullptr;
      listener = Claim(operations);
      if (listener != nullptr) {
        void* const cell = listener->group_->Cell(listener->index_);
        listener->Name(id, name, site, {&topic_, cell});
        if (operations.moves_trivially) {
          std::memcpy(cell, callable.callable, operations.size);
          Enlist(*listener);
          return listener;
        }
        break;
      }
    }
    MakeRoom(operations);
  }
  try {
    operations.move(callable.callable, listener->group_->Cell(listener->index_));
  } catch (...) {
    const sync::Lock lock(mutex_);
    FreeCell(*listener);
    DropHandle(*listener, remains);
    throw;
  }
  {
    const sync::Lock lock(mutex_);
    if (!topic_.core().closed()) {
      Enlist(*listener);
      return listener;
    }
  }
  End(*listener);
  const sync::Lock lock(mutex_);
  DropHandle(*listener, remains);
  return nullptr;
}

void InlineListeners::Enlist(InlineListener& listener) {
  InlineGroup& group = *listener.group_;
  InlineGroup::Member& member = group.members[listener.index_];
  listener.state_ = InlineListener::State::kLive;
  listener.born_ = InlineSet::VersionOf(set_.load(std::memory_order_relaxed)) + InlineSet::kVersion;
  listener.passes_before_ = passes_;
  listener.failed_.store(0, std::memory_order_relaxed);
  listener.younger_ = nullptr;
  listener.older_ = youngest_;
  if (youngest_ != nullptr) youngest_->younger_ = &listener;
  youngest_ = &listener;
  ++live_;
  if (group.operations->takes_context) ++with_context_;
  topic_.InlineChanged();

  // A pass that sees the bit sees that the listener may be too young for it.
  member.born.store(listener.born_, std::memory_order_relaxed);
  member.listener.store(&listener, std::memory_order_release);
  group.newest.store(listener.born_, std::memory_order_relaxed);
  group.live.store(group.live.load(std::memory_order_relaxed) | std::uint64_t{1} << listener.index_,
                   std::memory_order_release);
  NextVersion();
}

void InlineListeners::Delist(InlineListener& listener) {
  InlineGroup& group = *listener.group_;
  if (listener.younger_ != nullptr) listener.younger_->older_ = listener.older_;
  if (listener.older_ != nullptr) listener.older_->younger_ = listener.younger_;
  if (youngest_ == &listener) youngest_ = listener.older_;
  --live_;
  if (group.operations->takes_context) --with_context_;

  group.live.store(
      group.live.load(std::memory_order_relaxed) & ~(std::uint64_t{1} << listener.index_),
      std::memory_order_release);
  group.changes.store(group.changes.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  NextVersion();
  topic_.InlineChanged();
}

void InlineListeners::NextVersion() {
  const std::uint64_t kinds = (has_queued_ ? InlineSet::kHasQueued : 0) |
                              (with_context_ > 0 ? InlineSet::kTakesContext : 0);
  set_.store(
      (InlineSet::VersionOf(set_.load(std::memory_order_relaxed)) + InlineSet::kVersion) | kinds,
      std::memory_order_seq_cst);
}

void InlineListeners::SetQueued(bool has_queued) {
  mutex_.AssertHeld();
  if (has_queued_ == has_queued) return;
  has_queued_ = has_queued;
  NextVersion();
}

// --- The end of a listener ---

bool InlineListeners::Deserted(const InlineListener& listener, bool sure) const {
  const ThreadRecord* const self = ThreadRecord::Current();
  const Place place = listener.place();
  bool deserted = true;
  Frame::ForEach([&](const Frame& frame) {
    if (frame.inside() != place.inside) return;
    if (&frame.thread() == self || sure) {
      deserted = deserted && !frame.Is(place);
    } else {
      deserted = false;
    }
  });
  return deserted;
}

// Gives other threads' passes a moment to end, or to begin anew: then they know. Whether they did,
// and this thread is not in the listener either.
bool InlineListeners::AwaitPassing(const InlineListener& listener) const {
  constexpr int kLooks = 64;
  const ThreadRecord* const self = ThreadRecord::Current();
  const Place place = listener.place();
  bool passed = true;
  Frame::ForEach([&](const Frame& frame) {
    if (frame.inside() != place.inside) return;
    if (&frame.thread() == self) {
      passed = passed && !frame.Is(place);
      return;
    }
    const std::uint64_t entries = frame.entries();
    int looks = 0;
    while (frame.inside() == place.inside && frame.entries() == entries && looks < kLooks) {
      // Looking takes the line away from the one who is to go on.
      for (int i = 0; i < 4; ++i) sync::Pause();
      ++looks;
    }
    passed = passed && looks < kLooks;
  });
  return passed;
}

// Takes it out of the listener set. kGone: that was all. kEnding: the caller ends it. kDying: it
// may be running.
InlineListeners::Left InlineListeners::Remove(InlineListener& listener) {
  Delist(listener);
  if (!Deserted(listener, false)) {
    listener.state_ = InlineListener::State::kDying;
    return Left::kDying;
  }
  if (listener.group_->operations->destroys_trivially) {
    FreeCell(listener);
    return Left::kGone;
  }
  listener.state_ = InlineListener::State::kEnding;
  return Left::kEnding;
}

void InlineListeners::Detach(InlineListener& listener) {
  Remains remains;
  Left left = Left::kGone;
  {
    const sync::Lock lock(mutex_);
    if (listener.state_ == InlineListener::State::kLive) left = Remove(listener);
    DropHandle(listener, remains);
  }
  if (left == Left::kEnding) End(listener);
  if (left == Left::kDying) LetDie(listener);
}

void InlineListeners::DetachAll() {
  Remains remains;
  for (;;) {
    InlineListener* listener = nullptr;
    Left left = Left::kGone;
    {
      const sync::Lock lock(mutex_);
      if (youngest_ == nullptr) {
        over_ = true;
        if (handles_ == 0) remains.core = std::move(keeps_core_);
        return;
      }
      listener = youngest_;
      left = Remove(*listener);
    }
    if (left == Left::kEnding) End(*listener);
    if (left == Left::kDying) LetDie(*listener);
  }
}

ResetResult InlineListeners::Reset(InlineListener& listener) {
  Remains remains;
  Left left = Left::kGone;
  {
    const sync::Lock lock(mutex_);
    if (listener.state_ == InlineListener::State::kLive) left = Remove(listener);
    if (listener.state_ == InlineListener::State::kGone) {
      DropHandle(listener, remains);
      return ResetResult::kDone;
    }
  }
  if (left == Left::kEnding || (left == Left::kDying && AwaitPassing(listener))) {
    End(listener);
  } else if (left == Left::kDying) {
    LetDie(listener);
  }
  const ResetResult result = AwaitGone(listener);
  const sync::Lock lock(mutex_);
  DropHandle(listener, remains);
  return result;
}

ResetResult InlineListeners::AwaitGone(InlineListener& listener) {
  {
    const sync::Lock lock(mutex_);
    if (listener.state_ == InlineListener::State::kGone) return ResetResult::kDone;
  }
  return AwaitEnd(listener, [&] {
    for (;;) {
      {
        const sync::Lock lock(mutex_);
        // Whoever leaves the listener ends it, and says so. Only where the system has no heavy
        // barrier does somebody have to look again.
        const SteadyTime again = TimeAfter(Clock::Real().Now(), std::chrono::milliseconds(10));
        bool in_time = true;
        while (in_time && listener.state_ != InlineListener::State::kGone) {
          in_time = ended_.WaitUntil(mutex_, again);
        }
        if (in_time) return;
      }
      Reap();
    }
  });
}

// Whoever leaves it last ends it.
void InlineListeners::LetDie(InlineListener& listener) {
  {
    const sync::Lock lock(mutex_);
    listener.older_ = dying_;
    dying_ = &listener;
    dying_since_.store(InlineSet::VersionOf(set_.load(std::memory_order_relaxed)),
                       std::memory_order_seq_cst);
  }
  Reap();  // the last one may just have left
}

void InlineListeners::Reap() {
  const bool sure = sync::HeavyBarrier();
  InlineListener* ending = nullptr;
  {
    const sync::Lock lock(mutex_);
    for (InlineListener** link = &dying_; *link != nullptr;) {
      InlineListener* const listener = *link;
      if (!Deserted(*listener, sure)) {
        link = &listener->older_;
        continue;
      }
      *link = listener->older_;
      listener->older_ = std::exchange(ending, listener);
      listener->state_ = InlineListener::State::kEnding;
    }
    if (dying_ == nullptr) dying_since_.store(0, std::memory_order_relaxed);
  }
  while (ending != nullptr) End(*std::exchange(ending, ending->older_));
}

// By the one who knows that nobody is in it, nor will be.
void InlineListeners::End(InlineListener& listener) {
  {
    const DestructionScope scope(topic_.core(), listener);
    listener.group_->operations->destroy(listener.group_->Cell(listener.index_));
  }
  Remains remains;
  const sync::Lock lock(mutex_);
  FreeCell(listener);
  ended_.NotifyAll();
  if (!listener.has_handle_) Recycle(listener, remains);
}

void InlineListeners::FreeCell(InlineListener& listener) {
  listener.group_->members[listener.index_].listener.store(nullptr, std::memory_order_relaxed);
  listener.group_->taken &= ~(std::uint64_t{1} << listener.index_);
  listener.state_ = InlineListener::State::kGone;
}

void InlineListeners::DropHandle(InlineListener& listener, Remains& remains) {
  listener.has_handle_ = false;
  if (--handles_ == 0 && over_) remains.core = std::move(keeps_core_);
  if (listener.state_ == InlineListener::State::kGone) Recycle(listener, remains);
}

void InlineListeners::Recycle(InlineListener& listener, Remains& remains) {
  listener.Unname(remains.name, remains.made_name);
  listener.older_ = std::exchange(spare_, &listener);
}

}  // namespace belfry
