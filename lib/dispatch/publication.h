// One published event on the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "belfry/envelope.h"
#include "belfry/event_handle.h"
#include "belfry/lane.h"
#include "dispatch/outcomes.h"
#include "sync/sync.h"

namespace belfry {

class Topic;
class Publication;
class PublicationPool;

// An envelope and its event in one block of memory, counted.
//
// Thread safety: the count; everything else is written before it is handed over.
class Publication {
 public:
  // Takes a block and moves what carries the event into it. Null when there is no memory. Throws
  // what the move throws. The event is where it was then.
  static Publication* Make(PublicationPool& pool, EventType type, EventHandle handle,
                           std::size_t bytes, EventIdSource& ids, const Cause& cause);

  Envelope& envelope() { return envelope_; }
  // Where to tell what becomes of the deliveries, if somebody wants to know.
  std::unique_ptr<Outcomes> outcomes;
  std::size_t bytes() const { return bytes_; }
  // What carries the event.
  const EventHandle& held() const { return held_; }
  Lane lane = Lane::kNormal;

  // A synchronous dispatcher's order of turns: what is next in it, which one this is, and up to
  // where the log goes with it.
  // Else the next one in whatever list it is in.
  Publication* next_turn = nullptr;
  Topic* topic = nullptr;
  std::uint64_t log_end = 0;
  std::uint64_t turn = 0;

  void Retain(std::uint32_t count) { references_.fetch_add(count, std::memory_order_relaxed); }
  // With the last reference all deliveries have ended; the event goes then, unless it is kept.
  // Under no lock of the library.
  void Release() {
    if (Drop()) End();
  }
  // The same in two steps: whether it was the last one, and then the end.
  bool Drop() { return references_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  void End();
  // Keeps the event, and this, for longer than its deliveries. By who has a reference, or keeps it.
  void Keep() { keepers_.fetch_add(1, std::memory_order_relaxed); }
  void Unkeep() {
    if (keepers_.fetch_sub(1, std::memory_order_acq_rel) == 1) Destroy();
  }
  // The listener's reference, when its delivery has ended so.
  void Ended(const Listener& listener, DeliveryOutcome::Kind how, std::string_view what = {});

  // Says what was said at the publish; before the first delivery.
  static void Complete(Envelope& envelope, EventId id, SharedExtras extras, SharedBaggage baggage,
                       WallTime time);
  static void SetTime(Envelope& envelope, WallTime time) { envelope.publish_time_ = time; }

 private:
  Publication(PublicationPool& pool, EventType type, EventHandle held, std::size_t bytes,
              EventIdSource& ids, const Cause& cause);
  ~Publication() = default;
  void Destroy();

  PublicationPool& pool_;
  const EventHandle held_;  // in the block, behind this
  const std::size_t bytes_;
  Envelope envelope_;
  sync::Atomic<std::uint32_t> references_{1};
  sync::Atomic<std::uint32_t> keepers_{1};  // its deliveries are one
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

  // Where the event, or a shared pointer to it, lies in a block. One pool's blocks all have one
  // layout.
  struct Layout {
    std::size_t carrier_offset = 0;
    std::size_t bytes = 0;
    std::size_t alignment = 0;
    static Layout Of(EventType type);
  };

  // Null when there is no memory.
  void* Take(const Layout& layout);
  void GiveBack(void* memory, const Layout& layout);

 private:
  struct Kept {
    Kept* next;
    Layout layout;
  };
  static void Free(void* block, const Layout& layout);

  sync::Mutex mutex_;
  Kept* kept_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::size_t kept_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace belfry
