// The envelope: what belongs to one published event besides its fields.
#pragma once

#include <cstddef>
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

using Header = std::pair<std::string, std::string>;

// What an event hands on to all that is published in its deliveries, see PublishOptions::baggage;
// null: nothing. Names are unique.
using SharedBaggage = std::shared_ptr<const std::vector<Header>>;
// What was said about an event when it was published, see PublishOptions; null: nothing.
struct EnvelopeExtras {
  std::vector<EventId> links{};
  std::vector<Header> headers{};
};
using SharedExtras = std::shared_ptr<const EnvelopeExtras>;
// What an event may carry at most; names and values count as bytes.
inline constexpr std::size_t kBaggageEntriesMax = 64;
inline constexpr std::size_t kBaggageBytesMax = 8192;

// Makes a cause the current one of this thread, e.g. where work goes on that a delivery began.
// Baggage is what it was: AmbientScope is for both. Scopes of one thread end in reverse order.
class BELFRY_EXPORT CauseScope {
 public:
  explicit CauseScope(const Cause& cause) : CauseScope(cause, nullptr, nullptr) {}
  ~CauseScope();
  CauseScope(const CauseScope&) = delete;
  CauseScope& operator=(const CauseScope&) = delete;

 private:
  friend class AmbientScope;
  friend class ExtrasScope;
  friend struct Ambient;
  CauseScope(const Cause& cause, const SharedBaggage* baggage, const SharedExtras* extras);

  const Cause cause_;
  const SharedBaggage* const baggage_;  // null: what it was outside
  const SharedExtras* const extras_;    // null: none
  const void* const frame_;             // the delivery in which it was made
  const CauseScope* const outer_;
};

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

// One published event's envelope, shared by all its deliveries.
//
// Thread safety: any thread. Immutable, but for the id, which is drawn when it is first asked for.
// Lifetime: until the last delivery of the event has ended.
class BELFRY_EXPORT Envelope {
 public:
  // `shared_id`: where several envelopes of one event keep its id, once drawn; null for its own.
  Envelope(EventType type, const void* event, EventIdSource& ids, const Cause& cause,
           sync::Atomic<std::uint64_t>* shared_id = nullptr, SharedBaggage baggage = nullptr,
           SharedExtras extras = nullptr)
      : type_(type),
        event_(event),
        ids_(ids),
        cause_(cause),
        sequence_(shared_id == nullptr ? &own_sequence_ : shared_id),
        extras_(std::move(extras)),
        baggage_(std::move(baggage)) {}
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
  const SharedExtras& shared_extras() const { return extras_; }
  // In the order in which they were given.
  std::span<const Header> headers() const;
  // The first header of that name; "" when there is none.
  std::string_view header(std::string_view name) const;
  // What it hands on, and was handed on itself; the same by name.
  std::span<const Header> baggage() const;
  std::string_view baggage(std::string_view name) const;
  const SharedBaggage& shared_baggage() const { return baggage_; }
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
  SharedExtras extras_;
  SharedBaggage baggage_;
};

}  // namespace belfry
