// From the dense index of an event type to its topic, without a lock.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

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

  // The listener gets all events that its selection wants: of the topics that there are, and of
  // those to come. Throws std::bad_alloc; it is detached then.
  void Watch(MailboxListener& listener);
  // It is detached.
  void Unwatch(MailboxListener& listener);

 private:
  struct Block {
    std::array<sync::Atomic<Topic*>, kBlockSize> topics{};
  };
  Block& BlockOf(EventType type);
  Topic& Enter(std::unique_ptr<Topic> made, sync::Atomic<Topic*>& place)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  DispatcherCore& core_;
  std::array<sync::Atomic<Block*>, kBlocks> blocks_{};
  // Around the entry of a new topic while somebody watches: allocates.
  sync::Mutex watching_;
  std::vector<MailboxListener*> watchers_ ABSL_GUARDED_BY(watching_);
  sync::Mutex mutex_;  // around the entry of a new topic
  bool watched_ ABSL_GUARDED_BY(mutex_) = false;
  sync::Atomic<Topic*> latest_{nullptr};
};

}  // namespace belfry
