#include "dispatch/publication.h"

#include <algorithm>
#include <utility>

namespace belfry {
namespace {

std::size_t RoundUp(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

PublicationPool::Layout PublicationPool::Layout::Of(const EventOperations& operations) {
  Layout layout;
  layout.alignment = std::max(alignof(Publication), operations.alignment);
  layout.event_offset = RoundUp(sizeof(Publication), operations.alignment);
  layout.bytes = layout.event_offset + operations.size;
  return layout;
}

PublicationPool::~PublicationPool() {
  const sync::Lock lock(mutex_);
  while (kept_ != nullptr) {
    Kept* const block = std::exchange(kept_, kept_->next);
    Free(block, block->layout);
  }
}

void* PublicationPool::Take(const Layout& layout) {
  {
    const sync::Lock lock(mutex_);
    if (kept_ != nullptr) {
      kept_bytes_ -= layout.bytes;
      return std::exchange(kept_, kept_->next);
    }
  }
  return ::operator new(layout.bytes, std::align_val_t(layout.alignment), std::nothrow);
}

void PublicationPool::GiveBack(void* memory, const Layout& layout) {
  {
    const sync::Lock lock(mutex_);
    if (kept_bytes_ + layout.bytes <= kKeptBytesMax) {
      kept_ = ::new (memory) Kept{kept_, layout};
      kept_bytes_ += layout.bytes;
      return;
    }
  }
  Free(memory, layout);
}

void PublicationPool::Free(void* block, const Layout& layout) {
  ::operator delete(block, std::align_val_t(layout.alignment));
}

Publication* Publication::Make(PublicationPool& pool, EventType type, const EventHandle& event,
                               EventIdSource& ids, const Cause& cause) {
  const auto layout = PublicationPool::Layout::Of(event.operations);
  auto* const block = static_cast<std::byte*>(pool.Take(layout));
  if (block == nullptr) return nullptr;
  void* const place = block + layout.event_offset;
  try {
    event.operations.move(event.event, place);
  } catch (...) {
    pool.GiveBack(block, layout);
    throw;
  }
  return ::new (block) Publication(pool, type, event, place, ids, cause);
}

Publication::Publication(PublicationPool& pool, EventType type, const EventHandle& event,
                         void* place, EventIdSource& ids, const Cause& cause)
    : pool_(pool),
      operations_(event.operations),
      bytes_(event.bytes),
      envelope_(type, place, ids, cause) {}

void Publication::Release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  operations_.destroy(const_cast<void*>(envelope_.event()));
  PublicationPool& pool = pool_;
  const auto layout = PublicationPool::Layout::Of(operations_);
  this->~Publication();
  pool.GiveBack(this, layout);
}

void Publication::Complete(Envelope& envelope, EventId id, std::unique_ptr<EnvelopeExtras> extras,
                           WallTime time) {
  if (id) envelope.sequence_->store(id.sequence, std::memory_order_relaxed);
  envelope.extras_ = std::move(extras);
  envelope.publish_time_ = time;
}

}  // namespace belfry
