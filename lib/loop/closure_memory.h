// Memory for closures that are posted.
#pragma once

#include <algorithm>
#include <cstddef>

#include "belfry/posted_closure.h"
#include "sync/sync.h"

namespace belfry {

// A piece of memory that is filled with closures from front to back, and used again when all of
// them have run.
class ClosureChunk {
 public:
  // Room for one more, or null.
  void* Place(const ClosureKind& kind) {
    const std::size_t at = (used_ + kind.alignment - 1) & ~(kind.alignment - 1);
    if (at + kind.size > sizeof(memory_)) return nullptr;
    used_ = at + kind.size;
    ++places_;
    // What will be filled soon was last written by the loop's processor.
    sync::PrefetchToWrite(memory_ + std::min(at + kAhead, sizeof(memory_) - 1));
    return memory_ + at;
  }

  // How many have run. The loop's, while places are the lock's.
  std::size_t& ended() { return ended_; }
  // Of one that is not filled any more.
  bool all_ended() const { return ended_ == places_; }

  void Empty() { used_ = places_ = ended_ = 0; }

 private:
  friend class ClosureChunks;
  static constexpr std::size_t kBytes = 16 * 1024;
  static constexpr std::size_t kAhead = 512;
  static constexpr std::size_t kLine = kClosureAlignmentMax;

  // Of those who post, of the loop, and of both: in lines of their own.
  ClosureChunk* next_ = nullptr;
  std::size_t used_ = 0;
  std::size_t places_ = 0;
  alignas(kLine) std::size_t ended_ = 0;
  alignas(kLine) std::byte memory_[kBytes - 2 * kLine];
};

// A list of chunks, which it owns.
class ClosureChunks {
 public:
  ClosureChunks() = default;
  ~ClosureChunks() {
    while (ClosureChunk* const chunk = PopFront()) delete chunk;
  }
  ClosureChunks(const ClosureChunks&) = delete;
  ClosureChunks& operator=(const ClosureChunks&) = delete;

  std::size_t size() const { return size_; }
  ClosureChunk* front() { return head_; }

  void PushFront(ClosureChunk& chunk) {
    chunk.next_ = head_;
    head_ = &chunk;
    if (tail_ == nullptr) tail_ = &chunk;
    ++size_;
  }
  void PushBack(ClosureChunk& chunk) {
    chunk.next_ = nullptr;
    (tail_ == nullptr ? head_ : tail_->next_) = &chunk;
    tail_ = &chunk;
    ++size_;
  }
  ClosureChunk* PopFront() {
    ClosureChunk* const first = head_;
    if (first == nullptr) return nullptr;
    head_ = first->next_;
    if (head_ == nullptr) tail_ = nullptr;
    --size_;
    return first;
  }
  // Puts all of `others` behind its own.
  void Append(ClosureChunks& others) {
    if (others.head_ == nullptr) return;
    (tail_ == nullptr ? head_ : tail_->next_) = others.head_;
    tail_ = others.tail_;
    size_ += others.size_;
    others.head_ = others.tail_ = nullptr;
    others.size_ = 0;
  }

 private:
  ClosureChunk* head_ = nullptr;
  ClosureChunk* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace belfry
