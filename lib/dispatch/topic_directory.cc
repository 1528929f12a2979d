#include "dispatch/topic_directory.h"

#include <utility>

#include "belfry/check.h"
#include "belfry/library_events.h"

namespace belfry {
namespace {

bool IsLibraryEvent(EventType type) {
  return type == EventTypeOf<ListenerFailed>() || type == EventTypeOf<Orphaned>() ||
         type == EventTypeOf<PublishRefused>() || type == EventTypeOf<Dropped>() ||
         type == EventTypeOf<Expired>() || type == EventTypeOf<ListenerQuarantined>() ||
         type == EventTypeOf<SpareThreadStarted>();
}

}  // namespace

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
  const sync::Lock lock(mutex_);
  if (Topic* const found = place.load(std::memory_order_acquire)) return *found;
  // In this order: a topic that somebody uses is one that ForEach finds.
  made->SetOlder(latest_.load(std::memory_order_relaxed));
  latest_.store(made.get(), std::memory_order_release);
  place.store(made.get(), std::memory_order_release);
  return *made.release();
}

}  // namespace belfry
