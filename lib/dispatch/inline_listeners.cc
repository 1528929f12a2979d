#include "dispatch/inline_listeners.h"

#include <cstring>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/newcomer.h"
#include "dispatch/topic.h"

namespace belfry {

// --- A listener's side ---

void InlineListener::Detach() { topic().inline_listeners().Detach(*this); }
ResetResult InlineListener::Reset() { return topic().inline_listeners().Reset(*this); }
ReplaceResult InlineListener::Replace(CallableHandle callable) {
  return topic().inline_listeners().Replace(*this, callable);
}
void InlineListener::Finish() { topic().inline_listeners().Finish(*this); }
void InlineListener::SetMuted(bool muted) { topic().inline_listeners().SetMuted(*this, muted); }

InlineListeners::~InlineListeners() {
  while (InlineGroup* const group = first_.load(std::memory_order_relaxed)) {
    first_.store(group->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
    InlineGroup::Delete(group);
  }
  Remains remains;
  remains.groups = retired_;
  while (InlineListener* const listener = spare_) {
    spare_ = listener->older_;
    delete listener;
  }
}

// --- Room ---

// A free cell with a spare listener in it; null when there is no room.
InlineListener* InlineListeners::Claim(const ListenerOperations& operations) {
  if (spare_ == nullptr) return nullptr;
  InlineGroup* const first = first_.load(std::memory_order_relaxed);
  InlineGroup* group = first;
  while (group != nullptr && (group->operations != &operations || group->full())) {
    group = group->next.load(std::memory_order_relaxed);
  }
  if (group == nullptr) return nullptr;
  InlineListener* const listener = std::exchange(spare_, spare_->older_);
  if (group->taken == 0 && group != first) --empty_;
  listener->group_ = group;
  listener->index_ = static_cast<std::uint8_t>(std::countr_zero(~group->taken));
  group->taken |= InlineGroup::Bit(listener->index_);
  listener->holders_ = 1;
  ++in_use_;
  return listener;
}

// What Claim was missing. Under no lock, since it allocates.
void InlineListeners::MakeRoom(const ListenerOperations& operations) {
  InlineGroup* made = nullptr;
  unsigned groups = 0;
  bool has_spare = false;
  {
    const sync::Lock lock(mutex_);
    has_spare = spare_ != nullptr;
    bool room = false;
    for (InlineGroup* group = first_.load(std::memory_order_relaxed); group != nullptr;
         group = group->next.load(std::memory_order_relaxed)) {
      if (group->operations != &operations) continue;
      ++groups;
      room = room || !group->full();
    }
    if (room) groups = ~0U;
  }
  auto listener = has_spare ? nullptr : std::make_unique<InlineListener>(topic_);
  // A type with few listeners shall not pay for many.
  if (groups != ~0U) {
    made = InlineGroup::Make(operations, groups == 0 ? 16 : InlineGroup::kCellsMax);
  }
  std::shared_ptr<DispatcherCore> core = topic_.core().shared_from_this();
  const sync::Lock lock(mutex_);
  if (keeps_core_ == nullptr && !over_) keeps_core_ = std::move(core);
  if (listener != nullptr) {
    listener->older_ = spare_;
    spare_ = listener.release();
  }
  if (made == nullptr) return;
  sync::Atomic<InlineGroup*>* end = &first_;
  while (InlineGroup* const group = end->load(std::memory_order_relaxed)) end = &group->next;
  if (end != &first_) ++empty_;
  end->store(made, std::memory_order_release);
}

// Puts the callable into a cell of its own. `listed`, under the mutex, makes it known there, or
// says no: null then, and when the dispatcher is closed, or there is no place for it.
template <class Listed>
InlineListener* InlineListeners::Put(CallableHandle callable, InlineOrdering& ordering,
                                     Listed listed) {
  const ListenerOperations& operations = callable.operations;
  Remains remains;
  InlineListener* listener = nullptr;
  for (;;) {
    bool ready = false;
    std::size_t cells = 0;
    {
      const sync::Lock lock(mutex_);
      if (topic_.core().closed()) return nullptr;
      cells = in_use_;
      ready = orders_.IsReady(ordering, cells);
      if (ready) listener = Claim(operations);
      if (listener != nullptr) {
        if (!operations.moves_trivially) break;
        std::memcpy(listener->group_->Cell(listener->index_), callable.callable, operations.size);
        if (listed(*listener)) return listener;
        FreeCell(*listener, remains);
        Drop(*listener, remains);
        return nullptr;
      }
    }
    if (ready) {
      MakeRoom(operations);
    } else if (!ordering.Make(cells)) {
      return nullptr;
    }
  }
  try {
    operations.move(callable.callable, listener->group_->Cell(listener->index_));
  } catch (...) {
    const sync::Lock lock(mutex_);
    FreeCell(*listener, remains);
    Drop(*listener, remains);
    throw;
  }
  const auto give_up = [&] {
    End(*listener);
    const sync::Lock lock(mutex_);
    Drop(*listener, remains);
  };
  try {
    std::size_t cells = 0;
    do {
      const sync::Lock lock(mutex_);
      if (topic_.core().closed()) break;
      cells = in_use_;
      if (!orders_.IsReady(ordering, cells)) continue;
      if (listed(*listener)) return listener;
      break;
    } while (ordering.Make(cells));
  } catch (const std::bad_alloc&) {
    give_up();
    throw;
  }
  give_up();
  return nullptr;
}

// --- Who listens ---

InlineListener* InlineListeners::Add(CallableHandle callable, Newcomer& newcomer) {
  InlineOrdering ordering{&newcomer};
  return Put(callable, ordering, [&](InlineListener& listener) {
    mutex_.AssertHeld();
    listener.Name(topic_.NextListenerId(), newcomer.name(), newcomer.site(),
                  {&topic_, listener.group_->Cell(listener.index_)});
    newcomer.Become(listener);
    listener.state_ = State::kLive;
    roll_.Enter(listener, NextVersion());
    Occupy(listener);
    orders_.Enter(listener, ordering);
    topic_.InlineChanged();
    BeginVersion(std::memory_order_relaxed);  // who has not seen this set takes the mutex first
    return true;
  });
}

// Its cell is called by passes from the next version on.
void InlineListeners::Occupy(InlineListener& listener) {
  InlineGroup& group = *listener.group_;
  InlineGroup::Member& member = group.members[listener.index_];
  if (group.operations->takes_context) ++with_context_;
  // A pass that sees the bit sees that the listener may be too young for it.
  member.born.store(NextVersion(), std::memory_order_relaxed);
  member.listener.store(&listener, std::memory_order_release);
  group.newest = NextVersion();
  group.Settle();
  group.live.store(group.live.load(std::memory_order_relaxed) | InlineGroup::Bit(listener.index_),
                   std::memory_order_release);
}

ReplaceResult InlineListeners::Replace(InlineListener& listener, CallableHandle callable) {
  Remains remains;
  Left left = Left::kGone;
  InlineOrdering ordering;
  InlineListener* const former = Put(callable, ordering, [&](InlineListener& fresh) {
    mutex_.AssertHeld();
    if (listener.state_ != State::kLive) return false;
    Swap(listener, fresh);
    orders_.Renew(ordering);
    BeginVersion(std::memory_order_seq_cst);
    // What ends here may end the subscription, too.
    ++listener.holders_;
    left = Leave(fresh, remains);
    return true;
  });
  if (former == nullptr) return ReplaceResult::kClosed;
  const ResetResult result = Await(*former, left);

  const sync::Lock lock(mutex_);
  for (InlineListener** link = &listener.former_; *link != nullptr;) {
    InlineListener& one = **link;
    if (one.state_ != State::kGone) {
      link = &one.former_;
      continue;
    }
    *link = one.former_;
    MakeSpare(one, remains);
  }
  Drop(listener, remains);
  return static_cast<ReplaceResult>(result);
}

// The listener gets the cell of `former`, where its new callable is, and that one the old cell: the
// passes of older listener sets still call what is in it.
void InlineListeners::Swap(InlineListener& listener, InlineListener& former) {
  std::swap(listener.group_, former.group_);
  std::swap(listener.index_, former.index_);
  InlineGroup& old = *former.group_;
  InlineGroup& group = *listener.group_;
  former.state_ = State::kDying;
  former.holders_ = 0;
  former.owner_ = &listener;
  former.former_ = std::exchange(listener.former_, &former);
  std::string unnamed;
  former.Name(listener.id(), unnamed, listener.site(),
              {&topic_, old.Cell(former.index_), NextVersion()});
  listener.SetPlace({&topic_, group.Cell(listener.index_)});
  if (old.operations->takes_context) --with_context_;
  old.members[former.index_].died.store(NextVersion(), std::memory_order_release);
  old.replaced |= InlineGroup::Bit(former.index_);
  old.Settle();
  if (old.IsMuted(former.index_)) group.SetMuted(listener.index_, true);
  Occupy(listener);
}

void InlineListeners::SetMuted(InlineListener& listener, bool muted) {
  const sync::Lock lock(mutex_);
  InlineListener& live = listener.owner_ == nullptr ? listener : *listener.owner_;
  if (live.state_ != State::kLive) return;
  // Passes of older listener sets may still come to the cells of former callables.
  for (InlineListener* one = &live; one != nullptr; one = one->former_) {
    if (one->state_ == State::kGone) continue;
    one->group_->SetMuted(one->index_, muted);
    one->group_->Settle();
    one->group_->Change();
  }
}

void InlineListeners::BeginVersion(std::memory_order order) {
  const std::uint64_t kinds =
      (has_queued_ ? InlineSet::kHasQueued : 0) |
      (with_context_ > 0 ? InlineSet::kTakesContext : 0) |
      (roll_.live() > 0 ? InlineSet::kHasInline : 0) | (orders_.any() ? InlineSet::kOrdered : 0) |
      (topic_.watched() ? InlineSet::kWatched : 0) | (closed_ ? InlineSet::kClosed : 0);
  set_.store(NextVersion() | kinds, order);
}

void InlineListeners::SetQueued(bool has_queued) {
  mutex_.AssertHeld();
  if (has_queued_ == has_queued) return;
  has_queued_ = has_queued;
  BeginVersion(std::memory_order_seq_cst);
}

void InlineListeners::SetClosed() {
  mutex_.AssertHeld();
  closed_ = true;
  BeginVersion(std::memory_order_seq_cst);
}

}  // namespace belfry
