#include "dispatch/topic_directory.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "belfry/check.h"
#include "belfry/event_selection.h"
#include "dispatch/library_event.h"

namespace belfry {

TopicDirectory::~TopicDirectory() {
  Topic* topic = latest_.load(std::memory_order_relaxed);
  while (topic != nullptr) delete std::exchange(topic, topic->older());
  for (auto& block : blocks_) delete block.load(std::memory_order_relaxed);
}

TopicDirectory::Block& TopicDirectory::BlockOf(EventType type) {
  BELFRY_CHECK(type.index() < kBlocks * kBlockSize,
               "a process may have 65,536 event types at most");
  sync::Atomic<Block*>& place = blocks_[type.index() / kBlockSize];
  Block* found = place.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  auto made = std::make_unique<Block>();
  if (place.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *found;
}

Topic& TopicDirectory::Of(EventType type) {
  sync::Atomic<Topic*>& place = BlockOf(type).topics[type.index() % kBlockSize];
  if (Topic* const found = place.load(std::memory_order_acquire)) return *found;
  auto made = std::make_unique<Topic>(core_, type, IsLibraryEvent(type));
  {
    const sync::Lock lock(mutex_);
    if (Topic* const found = place.load(std::memory_order_acquire)) return *found;
    if (!watched_) return Enter(std::move(made), place);
  }
  // Nobody may publish before those who watch have been added; nobody else makes a topic meanwhile.
  const sync::Lock watching(watching_);
  if (Topic* const found = place.load(std::memory_order_acquire)) return *found;
  std::vector<MailboxListener*> guests;
  std::copy_if(watchers_.begin(), watchers_.end(), std::back_inserter(guests),
               [&](const auto* watcher) { return watcher->selection()->Selects(type); });
  made->mailbox_listeners().AddGuests(guests);
  const sync::Lock lock(mutex_);
  if (Topic* const found = place.load(std::memory_order_acquire)) return *found;
  return Enter(std::move(made), place);
}

// In this order: a topic that somebody uses is one that ForEach finds.
Topic& TopicDirectory::Enter(std::unique_ptr<Topic> made, sync::Atomic<Topic*>& place) {
  made->SetOlder(latest_.load(std::memory_order_relaxed));
  latest_.store(made.get(), std::memory_order_release);
  place.store(made.get(), std::memory_order_release);
  return *made.release();
}

void TopicDirectory::Watch(MailboxListener& listener) try {
  const sync::Lock watching(watching_);
  if (listener.detached()) return;  // by its first delivery, or the end
  watchers_.push_back(&listener);
  {
    const sync::Lock lock(mutex_);
    watched_ = true;
  }
  ForEach([&](Topic& topic) {
    if (listener.selection()->Selects(topic.type()))
      topic.mailbox_listeners().AddGuests({&listener});
  });
} catch (const std::bad_alloc&) {
  listener.Detach();
  throw;
}

void TopicDirectory::Unwatch(MailboxListener& listener) {
  const sync::Lock watching(watching_);
  watchers_.erase(std::remove(watchers_.begin(), watchers_.end(), &listener), watchers_.end());
  {
    const sync::Lock lock(mutex_);
    watched_ = !watchers_.empty();
  }
  for (const MailboxFace* face = listener.faces(); face != nullptr; face = face->next) {
    if (face->listed) face->topic->mailbox_listeners().RemoveGuest();
  }
}

}  // namespace belfry
