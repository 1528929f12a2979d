// What listeners have failed on for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_id.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/publish_result.h"
#include "belfry/status_fwd.h"

namespace belfry {

class DispatcherCore;

// One delivery that is not tried again by itself.
struct DeadLetter {
  std::uint64_t number = 0;  // in its dispatcher
  EventType event_type;
  EventId event_id{};
  std::string listener{};
  ListenerId listener_id = 0;
  std::string what{};  // its last failure
  unsigned attempts = 0;
  WallTime failed_at{};
  // May be kept for longer than the letter. Keeps some memory of the dispatcher.
  std::shared_ptr<const void> event{};

  // The event; null when it is of another type.
  template <class E>
  const E* As() const {
    return event_type == EventTypeOf<E>() ? static_cast<const E*>(event.get()) : nullptr;
  }
};

// The dead letters of a dispatcher: of those listeners that were subscribed with `dead_letters`,
// the latest ones, as many as DispatcherOptions::dead_letters says.
//
//   for (const belfry::DeadLetter& letter : dispatcher.dead_letters().List()) {
//     std::cout << letter.listener << ": " << letter.what << "\n";
//     if (const absl::Status again = dispatcher.dead_letters().Retry(letter.number); !again.ok()) {
//       std::cout << again << "\n";
//     }
//   }
//
// Thread safety: any thread, and inside any listener. Order: the oldest first.
// Lifetime: may outlive the dispatcher, at whose end the letters go.
class BELFRY_EXPORT DeadLetters {
 public:
  explicit DeadLetters(std::shared_ptr<DispatcherCore> core) : core_(std::move(core)) {}

  // Throws std::bad_alloc.
  std::vector<DeadLetter> List() const;
  std::size_t size() const;

  // Gives the event to its listener once more, as if it had been published now for it alone: the
  // same event, id and causes. The letter goes when it is queued; a new failure makes a new one.
  // Does not wait for room. Where a newer event waits that would replace it (Overflow::Coalesce),
  // that one stays.
  // Errors: NOT_FOUND (no such letter, or its listener is gone), FAILED_PRECONDITION (the listener
  // is muted), or as a publish; the letter stays.
  absl::Status Retry(std::uint64_t number) const;

  // False when there is no such letter.
  bool Discard(std::uint64_t number) const;
  // Returns how many there were.
  std::size_t DiscardAll() const;

 private:
  std::shared_ptr<DispatcherCore> core_;
};

}  // namespace belfry
