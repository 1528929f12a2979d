#include "dispatch/topic_directory.h"

#include "belfry/check.h"
#include "belfry/library_events.h"

namespace belfry {
namespace {

// What `place` points to; if nothing yet, what `make` makes, or another thread that was faster.
template <class T, class Make>
T& FindOrMake(sync::Atomic<T*>& place, Make make) {
  T* found = place.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  std::unique_ptr<T> made = make();
  if (place.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *found;
}

bool IsLibraryEvent(EventType type) {
  return type == EventTypeOf<ListenerFailed>() || type == EventTypeOf<Orphaned>() ||
         type == EventTypeOf<PublishRefused>() || type == EventTypeOf<SpareThreadStarted>();
}

}  // namespace

TopicDirectory::~TopicDirectory() {
  ForEach([](Topic& topic) { delete &topic; });
  for (auto& block : blocks_) delete block.load(std::memory_order_relaxed);
}

Topic& TopicDirectory::Of(EventType type) {
  BELFRY_CHECK(type.index() < kBlocks * kBlockSize,
               "a process may have 65,536 event types at most");
  Block& block =
      FindOrMake(blocks_[type.index() / kBlockSize], [] { return std::make_unique<Block>(); });
  return FindOrMake(block.topics[type.index() % kBlockSize],
                    [&] { return std::make_unique<Topic>(core_, type, IsLibraryEvent(type)); });
}

}  // namespace belfry
