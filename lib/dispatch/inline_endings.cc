// How inline listeners end: out of the listener set, left by every pass, destroyed, their cells and
// themselves free to be used again.

#include <algorithm>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/inline_listeners.h"
#include "dispatch/topic.h"
#include "dispatch/wait_graph.h"

namespace belfry {

// --- Whether anybody is in it ---

// Whether no frame can be at that place, nor come to it, which is in no listener set from `since`
// on. Other threads' passes over older ones leave that open, unless it is `sure` that what they did
// is seen here.
bool InlineListeners::Deserted(const Place& place, std::uint64_t since, bool sure) const {
  const ThreadRecord* const self = ThreadRecord::Current();
  bool deserted = true;
  Frame::ForEach([&](const Frame& frame) {
    if (frame.inside() != place.inside) return;
    if (&frame.thread() == self || sure) {
      deserted = deserted && !frame.Is(place);
    } else {
      deserted = deserted && frame.version() >= since;
    }
  });
  return deserted;
}

// Gives other threads' passes a moment to end, or to begin anew with the listener set as it is now.
// Whether they did, and this thread is not in the listener either.
bool InlineListeners::AwaitPassing(const InlineListener& listener) const {
  constexpr int kLooks = 64;
  const std::uint64_t set = InlineSet::VersionOf(set_.load(std::memory_order_seq_cst));
  const ThreadRecord* const self = ThreadRecord::Current();
  const Place place = listener.place();
  bool passed = true;
  Frame::ForEach([&](const Frame& frame) {
    if (frame.inside() != place.inside) return;
    if (&frame.thread() == self) {
      passed = passed && !frame.Is(place);
      return;
    }
    int looks = 0;
    while (frame.inside() == place.inside && frame.version() < set && looks < kLooks) {
      // Looking takes the line away from the one who is to go on.
      sync::Pause(4);
      ++looks;
    }
    passed = passed && looks < kLooks;
  });
  return passed;
}

// --- Out of the listener set ---

// Takes it out. kGone: that was all. kEnding: the caller ends it. kDying: somebody may be in it.
// kHidden: the same, and it cannot be seen who.
InlineListeners::Left InlineListeners::Remove(InlineListener& listener, Remains& remains) {
  roll_.Leave(listener);
  orders_.Leave(listener, remains.orders);
  if (listener.group_->operations->takes_context) --with_context_;
  // Passes of older listener sets may still come to the cells of former callables.
  for (InlineListener* one = &listener; one != nullptr; one = one->former_) {
    if (one->state_ == State::kGone) continue;
    InlineGroup& group = *one->group_;
    group.live.store(group.live.load(std::memory_order_relaxed) & ~InlineGroup::Bit(one->index_),
                     std::memory_order_release);
    group.Change();
  }
  BeginVersion(std::memory_order_seq_cst);
  topic_.InlineChanged();
  return Leave(listener, remains);
}

// The same for one that is not in the listener set any more.
InlineListeners::Left InlineListeners::Leave(InlineListener& listener, Remains& remains) {
  listener.left_ = InlineSet::VersionOf(set_.load(std::memory_order_relaxed));
  if (roll_.MayHideAPass(seen_by_all_)) {
    listener.state_ = State::kDying;
    return Left::kHidden;
  }
  if (!Deserted(listener.place(), listener.left_, false)) {
    listener.state_ = State::kDying;
    return Left::kDying;
  }
  if (listener.group_->operations->destroys_trivially) {
    FreeCell(listener, remains);
    return Left::kGone;
  }
  listener.state_ = State::kEnding;
  return Left::kEnding;
}

void InlineListeners::Detach(InlineListener& listener) {
  Remains remains;
  Left left = Left::kGone;
  {
    const sync::Lock lock(mutex_);
    if (listener.state_ == State::kLive) left = Remove(listener, remains);
    Drop(listener, remains);
  }
  LetGo(listener, left);
}

void InlineListeners::Finish(InlineListener& caller) {
  Remains remains;
  Left left = Left::kGone;
  InlineListener* listener = &caller;
  {
    const sync::Lock lock(mutex_);
    if (caller.owner_ != nullptr) listener = caller.owner_;  // it was replaced meanwhile
    if (listener->state_ == State::kLive) left = Remove(*listener, remains);
  }
  LetGo(*listener, left);
}

void InlineListeners::DetachAll() {
  Remains remains;
  for (;;) {
    InlineListener* listener = nullptr;
    Left left = Left::kGone;
    {
      const sync::Lock lock(mutex_);
      listener = roll_.youngest();
      if (listener == nullptr) {
        over_ = true;
        if (in_use_ == 0) remains.core = std::move(keeps_core_);
        return;
      }
      left = Remove(*listener, remains);
    }
    LetGo(*listener, left);
  }
}

ResetResult InlineListeners::Reset(InlineListener& listener) {
  Remains remains;
  Left left = Left::kGone;
  {
    const sync::Lock lock(mutex_);
    if (listener.state_ == State::kLive) left = Remove(listener, remains);
    if (listener.state_ == State::kGone && listener.former_ == nullptr) {
      Drop(listener, remains);
      return ResetResult::kDone;
    }
  }
  ResetResult result = Await(listener, left);
  for (InlineListener* l = listener.former_; l != nullptr; l = l->former_) {
    result = std::max(result, AwaitGone(*l));
  }
  const sync::Lock lock(mutex_);
  Drop(listener, remains);
  return result;
}

// --- Left by every pass ---

// Ends it now if nobody is in it, else leaves that to who leaves it last.
void InlineListeners::LetGo(InlineListener& listener, Left left) {
  if (left == Left::kEnding) End(listener);
  if (left == Left::kEnding || left == Left::kGone) return;
  {
    const sync::Lock lock(mutex_);
    listener.older_ = dying_;
    dying_ = &listener;
    dying_since_.store(InlineSet::VersionOf(set_.load(std::memory_order_relaxed)),
                       std::memory_order_seq_cst);
  }
  Reap();  // the last one may just have left
}

ResetResult InlineListeners::Await(InlineListener& listener, Left left) {
  LetGo(listener, left == Left::kDying && AwaitPassing(listener) ? Left::kEnding : left);
  return AwaitGone(listener);
}

ResetResult InlineListeners::AwaitGone(InlineListener& listener) {
  {
    const sync::Lock lock(mutex_);
    if (listener.state_ == State::kGone) return ResetResult::kDone;
  }
  return AwaitEnd(listener, [&] {
    for (;;) {
      {
        const sync::Lock lock(mutex_);
        // Whoever leaves the listener ends it, and says so. Somebody has to look again where the
        // system has no heavy barrier, or a publish is refused before it becomes a pass.
        const SteadyTime again = TimeAfter(Clock::Real().Now(), std::chrono::milliseconds(10));
        bool in_time = true;
        while (in_time && listener.state_ != State::kGone) {
          in_time = ended_.WaitUntil(mutex_, again);
        }
        if (in_time) return;
      }
      Reap();
    }
  });
}

// Ends the dying listeners that nobody is in any more, and lets go of groups likewise.
void InlineListeners::Reap() {
  const std::uint64_t set = set_.load(std::memory_order_seq_cst);
  const bool sure = sync::HeavyBarrier();
  Remains remains;
  InlineListener* ending = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (sure) seen_by_all_ = std::max(seen_by_all_, set);
    for (InlineListener** link = &dying_; *link != nullptr;) {
      InlineListener* const listener = *link;
      if (!Deserted(listener->place(), listener->left_, sure)) {
        link = &listener->older_;
        continue;
      }
      *link = listener->older_;
      listener->older_ = std::exchange(ending, listener);
      listener->state_ = State::kEnding;
    }
    for (InlineGroup** link = &retired_; *link != nullptr;) {
      InlineGroup* const group = *link;
      if (!Deserted({&topic_, nullptr, group->until}, group->until, sure)) {
        link = &group->next_retired;
        continue;
      }
      *link = group->next_retired;
      group->next_retired = std::exchange(remains.groups, group);
    }
    RetireSurplus(remains);
    if (dying_ == nullptr && retired_ == nullptr) {
      dying_since_.store(0, std::memory_order_relaxed);
    }
  }
  while (ending != nullptr) End(*std::exchange(ending, ending->older_));
}

// --- Destroyed ---

// By the one who knows that nobody is in it, nor will be.
void InlineListeners::End(InlineListener& listener) {
  {
    const DestructionScope scope(topic_.core(), listener);
    listener.group_->operations->destroy(listener.group_->Cell(listener.index_));
  }
  Remains remains;
  const sync::Lock lock(mutex_);
  FreeCell(listener, remains);
  ended_.NotifyAll();
  Recycle(listener.owner_ == nullptr ? listener : *listener.owner_, remains);
}

void InlineListeners::FreeCell(InlineListener& listener, Remains& remains) {
  InlineGroup& group = *listener.group_;
  group.Free(listener.index_);
  listener.state_ = State::kGone;
  if (group.taken != 0 || &group == first_.load(std::memory_order_relaxed)) return;
  ++empty_;
  RetireSurplus(remains);
}

// Some empty groups are kept, so that who comes and goes allocates nothing; and all while one is
// retired, since a pass that stands still would keep every one that leaves the list.
void InlineListeners::RetireSurplus(Remains& remains) {
  constexpr std::size_t kEmptyKept = 4;
  InlineGroup* group = first_.load(std::memory_order_relaxed);
  while (empty_ > kEmptyKept && retired_ == nullptr) {
    do {
      group = group->next.load(std::memory_order_relaxed);
    } while (group->taken != 0);
    --empty_;
    Retire(*group, remains);
  }
}

void InlineListeners::Retire(InlineGroup& group, Remains& remains) {
  sync::Atomic<InlineGroup*>* link = &first_;
  while (link->load(std::memory_order_relaxed) != &group) {
    link = &link->load(std::memory_order_relaxed)->next;
  }
  // Whoever is at the group still finds his way from there.
  link->store(group.next.load(std::memory_order_relaxed), std::memory_order_release);
  orders_.Forget(group);
  group.until = NextVersion();
  BeginVersion(std::memory_order_seq_cst);
  if (!roll_.MayHideAPass(seen_by_all_) &&
      Deserted({&topic_, nullptr, group.until}, group.until, false)) {
    group.next_retired = std::exchange(remains.groups, &group);
    return;
  }
  group.next_retired = std::exchange(retired_, &group);
  dying_since_.store(group.until, std::memory_order_release);
}

// --- Used again ---

// By who held it.
void InlineListeners::Drop(InlineListener& listener, Remains& remains) {
  --listener.holders_;
  Recycle(listener, remains);
}

// When nobody needs it any more. A pass that still runs a former callable of it does.
void InlineListeners::Recycle(InlineListener& listener, Remains& remains) {
  if (listener.holders_ > 0) return;
  for (InlineListener* one = &listener; one != nullptr; one = one->former_) {
    if (one->state_ != State::kGone) return;
  }
  for (InlineListener* one = &listener; one != nullptr;) {
    MakeSpare(*std::exchange(one, one->former_), remains);
  }
}

void InlineListeners::MakeSpare(InlineListener& listener, Remains& remains) {
  listener.Unname(remains.identity);
  listener.former_ = nullptr;
  listener.owner_ = nullptr;
  listener.older_ = std::exchange(spare_, &listener);
  if (--in_use_ == 0 && over_) remains.core = std::move(keeps_core_);
}

}  // namespace belfry
