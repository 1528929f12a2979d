// The envelope: what belongs to one published event besides its fields.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/atomic.h"
#include "belfry/clock.h"
#include "belfry/event_id.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

// Where an event comes from: the root of its story and its direct parent. A default Cause is "from
// nowhere": an event published with it starts a story of its own.
struct Cause {
  EventId correlation{};
  EventId causation{};

  // The event whose delivery runs on the calling thread, or what a CauseScope says; "from nowhere"
  // outside of both. Whoever finishes work later keeps it and publishes with it.
  BELFRY_EXPORT static Cause Current();
};

class Envelope;

// Makes a cause the current one of this thread, e.g. where work goes on that a delivery began.
// Scopes of one thread end in reverse order.
class BELFRY_EXPORT CauseScope {
 public:
  explicit CauseScope(const Cause& cause);
  ~CauseScope();
  CauseScope(const CauseScope&) = delete;
  CauseScope& operator=(const CauseScope&) = delete;

 private:
  friend struct Ambient;
  const Cause cause_;
  const void* const frame_;  // the delivery in which it was made
  const CauseScope* const outer_;
};

using Header = std::pair<std::string, std::string>;

// Gives out the ids of one dispatcher's events.
class EventIdSource {
 public:
  explicit EventIdSource(std::uint64_t origin) : origin_(origin) {}
  std::uint64_t origin() const { return origin_; }
  EventId Next() { return {origin_, last_.fetch_add(1, std::memory_order_relaxed) + 1}; }

 private:
  const std::uint64_t origin_;
  sync::Atomic<std::uint64_t> last_{0};
};

// What was said about an event when it was published; see PublishOptions.
struct EnvelopeExtras {
  std::vector<EventId> links{};
  std::vector<Header> headers{};
};

// One published event's envelope, shared by all its deliveries.
//
// Thread safety: any thread. Immutable, but for the id, which is drawn when it is first asked for.
// Lifetime: until the last delivery of the event has ended.
class BELFRY_EXPORT Envelope {
 public:
  // `shared_id`: where several envelopes of one event keep its id, once drawn; null for its own.
  Envelope(EventType type, const void* event, EventIdSource& ids, const Cause& cause,
           sync::Atomic<std::uint64_t>* shared_id = nullptr)
      : type_(type),
        event_(event),
        ids_(ids),
        cause_(cause),
        sequence_(shared_id == nullptr ? &own_sequence_ : shared_id) {}
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

  EventType type() const { return type_; }
  const void* event() const { return event_; }

  // This event's own id.
  EventId id() const;
  // The id of the event that started the story: for a root, its own.
  EventId correlation_id() const { return cause_.correlation ? cause_.correlation : id(); }
  // The id of the event in whose delivery this one was published; none for a root.
  EventId causation_id() const { return cause_.causation; }
  // The cause for what is published because of this event.
  Cause AsCause() const { return {correlation_id(), id()}; }

  // Other events that this one has to do with, e.g. the opening of its connection.
  std::span<const EventId> links() const;
  // In the order in which they were given.
  std::span<const Header> headers() const;
  // The first header of that name; "" when there is none.
  std::string_view header(std::string_view name) const;
  // When it was published. Read from the clock only if some listener of the event takes a Context;
  // the epoch otherwise.
  WallTime publish_time() const { return publish_time_; }

 private:
  friend class Publication;

  const EventType type_;
  const void* event_;
  EventIdSource& ids_;
  const Cause cause_;
  mutable sync::Atomic<std::uint64_t> own_sequence_{0};
  sync::Atomic<std::uint64_t>* const sequence_;
  WallTime publish_time_{};
  std::unique_ptr<EnvelopeExtras> extras_;
};

}  // namespace belfry
