#include "dispatch/mailbox_listeners.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "dispatch/newcomer.h"
#include "dispatch/topic.h"

namespace belfry {
namespace {

// Those that are not detached, and room for some more. Throws std::bad_alloc.
std::shared_ptr<MailboxListeners::List> Live(
    const std::shared_ptr<const MailboxListeners::List>& list, std::size_t more = 1) {
  auto live = std::make_shared<MailboxListeners::List>();
  live->reserve((list == nullptr ? 0 : list->size()) + more);
  if (list == nullptr) return live;
  std::copy_if(list->begin(), list->end(), std::back_inserter(*live),
               [](const auto& entry) { return !entry.listener->detached(); });
  return live;
}

}  // namespace

// What is let go of is destroyed under no lock, and so is a list that came too late.
bool MailboxListeners::Add(const std::shared_ptr<MailboxListener>& listener, Newcomer& newcomer,
                           SharedLetter& sticky) {
  for (bool placed = true;;) {
    if (!placed && !newcomer.FindPlace()) return false;
    const std::shared_ptr<const List> before = list();
    const std::shared_ptr<List> larger = Live(before);
    larger->push_back({listener, listener->FaceOf(topic_)});
    const sync::Lock lock(mutex_);
    if (topic_.core().closed()) return false;
    placed = newcomer.has_place();
    if (list_ != before || !placed) continue;
    listener->Begin(topic_.NextListenerId(), newcomer.name(), newcomer.site());
    newcomer.Become(*listener);
    sticky = topic_.sticky();
    list_ = larger;
    ++live_;
    if (listener->takes_context()) ++with_context_;
    topic_.MailboxesChanged();
    return true;
  }
}

// Nobody else adds them here, or ends them meanwhile: see TopicDirectory.
void MailboxListeners::AddGuests(const std::vector<MailboxListener*>& guests) {
  std::vector<std::unique_ptr<MailboxFace>> made;
  for (std::size_t i = 0; i < guests.size(); ++i) {
    made.push_back(std::make_unique<MailboxFace>(topic_));
  }
  for (bool done = false; !done;) {
    const std::shared_ptr<const List> before = list();
    const std::shared_ptr<List> larger = Live(before, guests.size());
    // From here on nothing is allocated: a topic that is not known yet is given up before.
    std::size_t added = 0;
    for (std::size_t i = 0; i < guests.size(); ++i) {
      MailboxFace* face =
          made[i] == nullptr ? guests[i]->FaceOf(topic_) : guests[i]->Attach(made[i]);
      if (face == nullptr || face->listed) continue;
      larger->push_back({guests[i]->shared_from_this(), face});
      ++added;
    }
    const sync::Lock lock(mutex_);
    done = list_ == before;
    if (!done || added == 0) continue;
    list_ = larger;
    for (const Entry& entry : *larger) entry.face->listed = true;
    live_ += added;
    with_context_ += added;
    topic_.MailboxesChanged();
  }
}

void MailboxListeners::RemoveGuest() {
  std::shared_ptr<const List> left;  // each in it holds the dispatcher
  const sync::Lock lock(mutex_);
  --live_;
  --with_context_;
  if (live_ == 0) left.swap(list_);
  topic_.MailboxesChanged();
}

bool MailboxListeners::Remove(MailboxListener& listener) {
  {
    const sync::Lock lock(mutex_);
    if (listener.detached()) return false;
    if (listener.takes_context()) --with_context_;
    --live_;
    listener.Leave();
    topic_.MailboxesChanged();
  }
  try {
    for (bool done = false; !done;) {
      const std::shared_ptr<const List> before = list();
      const std::shared_ptr<const List> smaller = Live(before);
      const sync::Lock lock(mutex_);
      done = list_ == before;
      if (done) list_ = smaller;
    }
  } catch (const std::bad_alloc&) {
    // It stays in the list until the next one comes or goes; nobody gives it anything.
  }
  return true;
}

void MailboxListeners::Gone(const DeliveryCounts& counts) {
  const sync::Lock lock(mutex_);
  of_the_gone_ += counts;
}

ReplacedCallable MailboxListeners::Swap(MailboxListener& listener,
                                        std::unique_ptr<CallableInUse>& next) {
  const sync::Lock lock(mutex_);
  if (listener.detached()) return {};
  if (listener.selection() != nullptr) return listener.Swap(next);  // it always takes one
  if (listener.takes_context()) --with_context_;
  if (next->callable->takes_context()) ++with_context_;
  return listener.Swap(next);
}

void MailboxListeners::DetachAll() {
  while (const auto listener = NextAfter(0)) listener->Finish();
  std::shared_ptr<const List> left;  // some may be, for want of memory; each holds the dispatcher
  const sync::Lock lock(mutex_);
  left.swap(list_);
}

std::shared_ptr<const MailboxListeners::List> MailboxListeners::list() const {
  const sync::Lock lock(mutex_);
  return list_;
}

std::shared_ptr<MailboxListener> MailboxListeners::NextAfter(ListenerId id,
                                                             bool guests_only) const {
  const std::shared_ptr<const List> entries = list();
  std::shared_ptr<MailboxListener> next;
  if (entries == nullptr) return next;
  for (const Entry& entry : *entries) {
    const ListenerId found = entry.listener->id();
    const bool earlier = found > id && (next == nullptr || found < next->id());
    const bool asked_for = !guests_only || IsGuest(entry);
    if (earlier && asked_for && !entry.listener->detached()) next = entry.listener;
  }
  return next;
}

bool MailboxListeners::quiet() const {
  if (!lingering_.empty()) return false;
  const std::shared_ptr<const List> entries = list();
  return entries == nullptr ||
         std::all_of(entries->begin(), entries->end(), [](const Entry& entry) {
           return entry.listener->detached() || entry.listener->quiet();
         });
}

DeliveryCounts MailboxListeners::totals() const {
  mutex_.AssertHeld();
  DeliveryCounts totals = of_the_gone_;
  if (list_ == nullptr) return totals;
  for (const auto& [listener, face] : *list_) {
    if (!listener->detached()) totals += listener->counts(*face);
  }
  return totals;
}

std::uint64_t MailboxListeners::cancelled() const {
  mutex_.AssertHeld();
  std::uint64_t cancelled = 0;
  if (list_ == nullptr) return cancelled;
  for (const auto& [listener, face] : *list_) {
    if (!listener->detached()) cancelled += listener->counts(*face).cancelled;
  }
  return cancelled;
}

}  // namespace belfry
