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
  layout.alignment = std::max({alignof(Publication), alignof(Delivery), operations.alignment});
  layout.event_offset = RoundUp(sizeof(Publication), operations.alignment);
  layout.deliveries_offset = RoundUp(layout.event_offset + operations.size, alignof(Delivery));
  return layout;
}

std::size_t PublicationPool::Layout::Bytes(std::size_t deliveries) const {
  return deliveries_offset + deliveries * sizeof(Delivery);
}

PublicationPool::~PublicationPool() {
  const sync::Lock lock(mutex_);
  while (kept_ != nullptr) {
    Kept* const block = std::exchange(kept_, kept_->next);
    Free(block, block->layout);
  }
}

void* PublicationPool::Take(const Layout& layout, std::size_t& deliveries) {
  Kept* block = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (kept_ != nullptr) {
      block = std::exchange(kept_, kept_->next);
      kept_bytes_ -= layout.Bytes(block->deliveries);
    }
  }
  if (block != nullptr) {
    if (block->deliveries >= deliveries) {
      deliveries = block->deliveries;
      return block;
    }
    Free(block, layout);  // from a time with fewer listeners
  }
  return ::operator new(layout.Bytes(deliveries), std::align_val_t(layout.alignment), std::nothrow);
}

void PublicationPool::GiveBack(void* memory, const Layout& layout, std::size_t deliveries) {
  {
    const sync::Lock lock(mutex_);
    if (kept_bytes_ + layout.Bytes(deliveries) <= kKeptBytesMax) {
      kept_ = ::new (memory) Kept{kept_, deliveries, layout};
      kept_bytes_ += layout.Bytes(deliveries);
      return;
    }
  }
  Free(memory, layout);
}

void PublicationPool::Free(void* block, const Layout& layout) {
  ::operator delete(block, std::align_val_t(layout.alignment));
}

Publication* Publication::Make(PublicationPool& pool, EventType type, EventHandle event,
                               EventIdSource& ids, const Cause& cause,
                               std::shared_ptr<const ListenerTable> table) {
  const auto layout = PublicationPool::Layout::Of(event.operations);
  std::size_t capacity = table->listeners.size();
  auto* const block = static_cast<std::byte*>(pool.Take(layout, capacity));
  if (block == nullptr) return nullptr;
  void* const place = block + layout.event_offset;
  try {
    event.operations.move(event.event, place);
  } catch (...) {
    pool.GiveBack(block, layout, capacity);
    throw;
  }
  return ::new (block)
      Publication(pool, capacity, type, event, place, ids, cause, std::move(table));
}

Publication::Publication(PublicationPool& pool, std::size_t capacity, EventType type,
                         EventHandle event, void* place, EventIdSource& ids, const Cause& cause,
                         std::shared_ptr<const ListenerTable> table)
    : pool_(pool),
      capacity_(capacity),
      operations_(event.operations),
      bytes_(event.bytes),
      table_(std::move(table)),
      envelope_(type, place, ids, cause) {
  for (std::size_t i = 0; i < table_->listeners.size(); ++i) {
    ::new (PlaceOfDelivery(i)) Delivery{this, table_->listeners[i].get()};
  }
}

void* Publication::PlaceOfDelivery(std::size_t index) {
  const auto layout = PublicationPool::Layout::Of(operations_);
  return reinterpret_cast<std::byte*>(this) + layout.deliveries_offset + index * sizeof(Delivery);
}

Delivery& Publication::delivery(std::size_t index) {
  return *std::launder(static_cast<Delivery*>(PlaceOfDelivery(index)));
}

void Publication::Release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  operations_.destroy(const_cast<void*>(envelope_.event()));
  PublicationPool& pool = pool_;
  const std::size_t capacity = capacity_;
  const auto layout = PublicationPool::Layout::Of(operations_);
  // Outlives the block: with it the last reference to a listener, and to the pool's owner, may go.
  const std::shared_ptr<const ListenerTable> table = std::move(table_);
  this->~Publication();
  pool.GiveBack(this, layout, capacity);
}

void Publication::Complete(Envelope& envelope, EventId id, std::unique_ptr<EnvelopeExtras> extras,
                           WallTime time) {
  envelope.sequence_.store(id.sequence, std::memory_order_relaxed);
  envelope.extras_ = std::move(extras);
  envelope.publish_time_ = time;
}

}  // namespace belfry
