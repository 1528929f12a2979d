#include "dispatch/topic.h"

#include <algorithm>
#include <new>
#include <utility>

#include "dispatch/listener.h"

namespace belfry {
namespace {

void Append(ListenerTable& table, const std::shared_ptr<Listener>& listener) {
  table.listeners.push_back(listener);
  if (listener->traits().has_queue) ++table.queued;
  if (listener->takes_context()) table.any_takes_context = true;
}

}  // namespace

Topic::Topic(EventType type, bool of_library)
    : type_(type),
      of_library_(of_library),
      empty_(std::make_shared<ListenerTable>()),
      table_(empty_) {}

std::shared_ptr<const ListenerTable> Topic::table() const {
  const sync::Lock lock(mutex_);
  return table_;
}

template <class Change, class Also>
void Topic::ChangeTable(Change change, Also also) {
  for (;;) {
    std::shared_ptr<const ListenerTable> seen = table();
    auto next = std::make_shared<ListenerTable>();
    next->listeners.reserve(seen->listeners.size() + 1);
    change(*seen, *next);
    // What is swapped out is destroyed after the lock was left.
    std::shared_ptr<const ListenerTable> old = std::move(next);
    const sync::Lock lock(mutex_);
    if (table_ != seen) continue;
    table_.swap(old);
    also();
    return;
  }
}

void Topic::Add(const std::shared_ptr<Listener>& listener) {
  ChangeTable(
      [&](const ListenerTable& seen, ListenerTable& next) {
        next = seen;
        Append(next, listener);
      },
      [] {});
}

void Topic::Remove(const Listener& listener) try {
  ChangeTable(
      [&](const ListenerTable& seen, ListenerTable& next) {
        for (const std::shared_ptr<Listener>& other : seen.listeners) {
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
  for (const std::shared_ptr<Listener>& listener : removed->listeners) {
    of_the_gone_ += listener->counts();
  }
}

std::uint32_t Topic::Commit(Publication& publication) {
  std::uint32_t cancelled = 0;
  const auto& listeners = publication.table().listeners;
  const sync::Lock lock(mutex_);
  ++published_;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    if (!listeners[i]->traits().has_queue) continue;
    Delivery& delivery = publication.delivery(i);
    switch (listeners[i]->Commit(delivery)) {
      case Listener::Committed::kBusy:
        break;
      case Listener::Committed::kIdle:
        delivery.post_turn = true;
        break;
      case Listener::Committed::kDetached:
        ++of_the_gone_.offered;
        ++of_the_gone_.cancelled;
        [[fallthrough]];
      case Listener::Committed::kDiscarded:
        ++cancelled;
        break;
    }
  }
  return cancelled;
}

void Topic::CountPublished(bool orphaned) {
  const sync::Lock lock(mutex_);
  ++published_;
  if (orphaned) ++orphaned_;
}

void Topic::CountRefused() {
  const sync::Lock lock(mutex_);
  ++refused_;
}

void Topic::CountCancelled() {
  const sync::Lock lock(mutex_);
  ++of_the_gone_.offered;
  ++of_the_gone_.cancelled;
}

TypeStats Topic::stats() const {
  const sync::Lock lock(mutex_);
  TypeStats stats{type_, published_, refused_, orphaned_, of_the_gone_};
  for (const std::shared_ptr<Listener>& listener : table_->listeners) {
    stats.deliveries += listener->counts();
  }
  return stats;
}

}  // namespace belfry
