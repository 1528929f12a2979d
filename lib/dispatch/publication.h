// One published event on the heap, with a delivery for each listener that it is queued for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "belfry/envelope.h"
#include "belfry/event_handle.h"
#include "dispatch/listener_table.h"
#include "sync/sync.h"

namespace belfry {

class QueuedListener;
class Publication;
class PublicationPool;

// One event's place in one listener's queue. Part of its publication's memory.
struct Delivery {
  Publication* publication = nullptr;
  QueuedListener* listener = nullptr;  // kept alive by the publication's table
  Delivery* next = nullptr;            // in the listener's mailbox
  Delivery* next_turn = nullptr;       // in a synchronous dispatcher's order of turns
  bool post_turn = false;              // the listener was idle: its turn must be posted
};

// An envelope, its event and its deliveries in one block of memory, counted.
//
// Thread safety: the count; everything else is written before the first delivery is handed over.
class Publication {
 public:
  // Takes a block with room for a delivery to each listener of `table`, and moves the event into
  // it. Null when there is no memory. Throws what the move throws. The event is where it was then.
  static Publication* Make(PublicationPool& pool, EventType type, EventHandle event,
                           EventIdSource& ids, const Cause& cause,
                           std::shared_ptr<const ListenerTable> table);

  Envelope& envelope() { return envelope_; }
  const ListenerTable& table() const { return *table_; }
  std::size_t bytes() const { return bytes_; }
  Delivery& delivery(std::size_t index);  // to the listener of that index in the table

  void Retain(std::uint32_t count) { references_.fetch_add(count, std::memory_order_relaxed); }
  // Destroys the event with the last reference. Under no lock of the library.
  void Release();

  // Says what was said at the publish; before the first delivery.
  static void Complete(Envelope& envelope, EventId id, std::unique_ptr<EnvelopeExtras> extras,
                       WallTime time);

 private:
  Publication(PublicationPool& pool, std::size_t capacity, EventType type, EventHandle event,
              void* place, EventIdSource& ids, const Cause& cause,
              std::shared_ptr<const ListenerTable> table);
  ~Publication() = default;

  void* PlaceOfDelivery(std::size_t index);

  PublicationPool& pool_;
  const std::size_t capacity_;  // deliveries
  const EventOperations& operations_;
  const std::size_t bytes_;
  std::shared_ptr<const ListenerTable> table_;
  Envelope envelope_;
  sync::Atomic<std::uint32_t> references_{1};
};

// Releases a reference that its maker owns, at the end of a block.
class PublicationReference {
 public:
  explicit PublicationReference(Publication& publication) : publication_(publication) {}
  ~PublicationReference() { publication_.Release(); }
  PublicationReference(const PublicationReference&) = delete;
  PublicationReference& operator=(const PublicationReference&) = delete;

 private:
  Publication& publication_;
};

// Blocks for the publications of one event type. Keeps those that were given back, up to
// `kKeptBytesMax`, so that publishing allocates nothing once it has run for a while.
//
// Thread safety: any thread.
class PublicationPool {
 public:
  static constexpr std::size_t kKeptBytesMax = std::size_t{4} << 20;

  PublicationPool() = default;
  ~PublicationPool();
  PublicationPool(const PublicationPool&) = delete;
  PublicationPool& operator=(const PublicationPool&) = delete;

  // Where the parts of a block lie. One pool's blocks all have one layout.
  struct Layout {
    std::size_t event_offset = 0;
    std::size_t deliveries_offset = 0;
    std::size_t alignment = 0;
    static Layout Of(const EventOperations& operations);
    std::size_t Bytes(std::size_t deliveries) const;
  };

  // A block with room for at least `deliveries`; sets that to how many it has.
  void* Take(const Layout& layout, std::size_t& deliveries);
  void GiveBack(void* memory, const Layout& layout, std::size_t deliveries);

 private:
  struct Kept {
    Kept* next;
    std::size_t deliveries;
    Layout layout;
  };
  static void Free(void* block, const Layout& layout);

  sync::Mutex mutex_;
  Kept* kept_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::size_t kept_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace belfry
