#include "dispatch/topic.h"

#include <new>
#include <utility>

#include "dispatch/queued_listener.h"

namespace belfry {
namespace {

void Append(ListenerTable& table, const std::shared_ptr<QueuedListener>& listener) {
  table.listeners.push_back(listener);
  if (listener->takes_context()) table.any_takes_context = true;
}

}  // namespace

Topic::Topic(DispatcherCore& core, EventType type, bool of_library)
    : core_(core),
      type_(type),
      of_library_(of_library),
      empty_(std::make_shared<ListenerTable>()),
      table_(empty_),
      inline_(*this, mutex_) {}

Topic::ListenerSet Topic::listeners() const {
  const sync::Lock lock(mutex_);
  return {table_, inline_.set()};
}

bool Topic::empty() const {
  const sync::Lock lock(mutex_);
  return table_->listeners.empty() && inline_.set().listeners == 0;
}

template <class Change, class Also>
void Topic::ChangeTable(Change change, Also also) {
  for (;;) {
    std::shared_ptr<const ListenerTable> seen = listeners().queued;
    auto next = std::make_shared<ListenerTable>();
    next->listeners.reserve(seen->listeners.size() + 1);
    change(*seen, *next);
    // What is swapped out is destroyed after the lock was left.
    std::shared_ptr<const ListenerTable> old = std::move(next);
    const sync::Lock lock(mutex_);
    if (table_ != seen) continue;
    table_.swap(old);
    inline_.SetQueued(!table_->listeners.empty());
    also();
    return;
  }
}

void Topic::Add(const std::shared_ptr<QueuedListener>& listener) {
  ChangeTable(
      [&](const ListenerTable& seen, ListenerTable& next) {
        next = seen;
        Append(next, listener);
      },
      [] {});
}

void Topic::Remove(const QueuedListener& listener) try {
  ChangeTable(
      [&](const ListenerTable& seen, ListenerTable& next) {
        for (const std::shared_ptr<QueuedListener>& other : seen.listeners) {
          if (other.get() != &listener) Append(next, other);
        }
      },
      [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { of_the_gone_ += listener.counts(); });
} catch (const std::bad_alloc&) {
  // It stays in the table, detached: nobody calls it, and its counts are found there.
}

void Topic::RemoveAll() {
  std::shared_ptr<const ListenerTable> removed = empty_;  // destroyed after the lock was left
  const sync::Lock lock(mutex_);
  table_.swap(removed);
  inline_.SetQueued(false);
  for (const std::shared_ptr<QueuedListener>& listener : removed->listeners) {
    of_the_gone_ += listener->counts();
  }
}

std::uint32_t Topic::Commit(Publication& publication) {
  std::uint32_t cancelled = 0;
  const auto& listeners = publication.table().listeners;
  const sync::Lock lock(mutex_);
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    Delivery& delivery = publication.delivery(i);
    switch (listeners[i]->Commit(delivery)) {
      case QueuedListener::Committed::kBusy:
        break;
      case QueuedListener::Committed::kIdle:
        delivery.post_turn = true;
        break;
      case QueuedListener::Committed::kDetached:
        ++of_the_gone_.offered;
        ++of_the_gone_.cancelled;
        [[fallthrough]];
      case QueuedListener::Committed::kDiscarded:
        ++cancelled;
        break;
    }
  }
  return cancelled;
}

void Topic::CountPublished(const InlineListeners::Set& set, bool orphaned) {
  const sync::Lock lock(mutex_);
  inline_.CountPass(set);
  if (orphaned) ++orphaned_;
}

void Topic::CountRefused() {
  const sync::Lock lock(mutex_);
  ++refused_;
}

void Topic::AddTo(Stats& stats) const {
  for (ListedListener& listener : ListListeners()) {
    stats.listeners.push_back(std::move(listener.stats));
  }
  stats.types.push_back({type_});
  const sync::Lock lock(mutex_);
  const InlineListeners::Totals inlined = inline_.totals();
  TypeStats& type = stats.types.back();
  type.published = inlined.passes;
  type.refused = refused_;
  type.orphaned = orphaned_;
  type.deliveries = inlined.deliveries;
  type.deliveries += of_the_gone_;
  for (const std::shared_ptr<QueuedListener>& listener : table_->listeners) {
    type.deliveries += listener->counts();
  }
}

std::vector<ListedListener> Topic::ListListeners() const {
  std::vector<ListedListener> all = inline_.List();
  const std::shared_ptr<const ListenerTable> queued = listeners().queued;
  for (const std::shared_ptr<QueuedListener>& listener : queued->listeners) {
    if (listener->detached()) continue;
    all.push_back({{listener->id(), std::string(listener->name()), type_, listener->counts()},
                   listener->place()});
  }
  return all;
}

}  // namespace belfry
