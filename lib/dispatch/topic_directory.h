// From the dense index of an event type to its topic, without a lock.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "belfry/event_type.h"
#include "dispatch/topic.h"
#include "sync/sync.h"

namespace belfry {

// Grows in place, block by block; topics live as long as the directory.
//
// Thread safety: any thread.
class TopicDirectory {
 public:
  static constexpr std::size_t kBlockSize = 256;
  static constexpr std::size_t kBlocks = 256;  // 65,536 event types

  explicit TopicDirectory(DispatcherCore& core) : core_(core) {}
  ~TopicDirectory();
  TopicDirectory(const TopicDirectory&) = delete;
  TopicDirectory& operator=(const TopicDirectory&) = delete;

  // Made at the first call. Throws std::bad_alloc.
  Topic& Of(EventType type);
  // Null before.
  Topic* Find(EventType type) const {
    const Block* const block =
        blocks_[type.index() / kBlockSize % kBlocks].load(std::memory_order_acquire);
    return block == nullptr
               ? nullptr
               : block->topics[type.index() % kBlockSize].load(std::memory_order_acquire);
  }

  // Calls `visit` with each topic, the latest first.
  template <class Visit>
  void ForEach(Visit visit) const {
    Topic* topic = latest_.load(std::memory_order_acquire);
    for (; topic != nullptr; topic = topic->older()) visit(*topic);
  }

 private:
  struct Block {
    std::array<sync::Atomic<Topic*>, kBlockSize> topics{};
  };
  Block& BlockOf(EventType type);

  DispatcherCore& core_;
  std::array<sync::Atomic<Block*>, kBlocks> blocks_{};
  sync::Mutex mutex_;  // around the entry of a new topic
  sync::Atomic<Topic*> latest_{nullptr};
};

}  // namespace belfry
