#include "dispatch/publication.h"

#include <algorithm>
#include <utility>

namespace belfry {
namespace {

std::size_t RoundUp(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

PublicationPool::Layout PublicationPool::Layout::Of(EventType type) {
  using Pointer = std::shared_ptr<const void>;
  const std::size_t carrier_alignment = std::max(alignof(Pointer), type.alignment());
  Layout layout;
  layout.alignment = std::max(alignof(Publication), carrier_alignment);
  layout.carrier_offset = RoundUp(sizeof(Publication), carrier_alignment);
  layout.bytes = layout.carrier_offset + std::max(sizeof(Pointer), type.size());
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

Publication* Publication::Make(PublicationPool& pool, EventType type, EventHandle handle,
                               std::size_t bytes, EventIdSource& ids, const Cause& cause) {
  const auto layout = PublicationPool::Layout::Of(type);
  auto* const block = static_cast<std::byte*>(pool.Take(layout));
  if (block == nullptr) return nullptr;
  const EventHandle held{block + layout.carrier_offset, handle.operations};
  try {
    handle.operations->take(handle.carrier, held.carrier);
  } catch (...) {
    pool.GiveBack(block, layout);
    throw;
  }
  return ::new (block) Publication(pool, type, held, bytes, ids, cause);
}

Publication::Publication(PublicationPool& pool, EventType type, EventHandle held, std::size_t bytes,
                         EventIdSource& ids, const Cause& cause)
    : pool_(pool), held_(held), bytes_(bytes), envelope_(type, held.event(), ids, cause) {}

void Publication::End() {
  const std::unique_ptr<Outcomes> told = std::move(outcomes);
  Unkeep();
  if (told != nullptr) told->Finish({});
}

void Publication::Destroy() {
  held_.operations->destroy(held_.carrier);
  PublicationPool& pool = pool_;
  const auto layout = PublicationPool::Layout::Of(envelope_.type());
  this->~Publication();
  pool.GiveBack(this, layout);
}

void Publication::Ended(const Listener& listener, DeliveryOutcome::Kind how,
                        std::string_view what) {
  if (outcomes != nullptr) outcomes->Record(listener, how, what);
  Release();
}

void Publication::Complete(Envelope& envelope, EventId id, SharedExtras extras,
                           SharedBaggage baggage, WallTime time) {
  if (id) envelope.sequence_->store(id.sequence, std::memory_order_relaxed);
  envelope.extras_ = std::move(extras);
  envelope.baggage_ = std::move(baggage);
  envelope.publish_time_ = time;
}

}  // namespace belfry
