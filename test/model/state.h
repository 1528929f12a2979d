// What the model knows at any moment.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "belfry/publish_outcome.h"
#include "belfry/stats.h"
#include "model/plan.h"
#include "model/queue.h"

namespace belfry::model {

// A listener; its number says when it came.
struct ListenerState {
  int number = 0;
  ListenerPlan plan{};
  ListenerId id = 0;
  std::string name{};
  bool live = true;
  bool muted = false;
  int generation = 0;  // of its callable
  int object = 0;      // of its owner
  int running = 0;
  Queue queue{};
  // The sticky event that it got first.
  int first = 0;
  int first_turn = 0;
  Nanoseconds first_since{};
  std::map<int, unsigned> tries{};  // of an event, so far
  unsigned failures = 0;            // since it was quarantined last
  DeliveryCounts counts{};
};

struct EventState {
  const EventPlan* plan = nullptr;
  bool plain = false;   // it could not be said how it is to be published
  int turn = 0;         // on a synchronous dispatcher
  int letters = 0;      // dead ones
  int again = 0;        // as a sticky one, and how many deliveries of it as that have not ended
  int pending = 0;      // deliveries that have not ended, and its publish until that is over
  Nanoseconds since{};  // when it was published
  int tries_to_publish = 0;               // later, so far
  std::vector<PublishResult> refusals{};  // one of which is right; none: accepted
  std::vector<std::pair<ListenerId, DeliveryOutcome::Kind>> ended{};
};

// Something that is under way.
struct Frame {
  enum class Kind {
    kPass,      // of an event through inline listeners
    kSequence,  // of publishes: a batch, or what a listener returned
    kDelivery,
    kRun,  // of work on an executor
  };
  struct Called {
    int listener;
    int generation;
  };
  Kind kind = Kind::kRun;
  int event = 0;                // of a pass, of a delivery
  std::vector<Called> left{};   // of a pass: those still to be called
  bool by_itself = false;       // a pass that ends without anybody being told
  int listener = 0;             // of a delivery
  int generation = 0;           // of the callable that a delivery calls
  bool asked = false;           // a delivery's filter was, its listener is still to be called
  std::vector<int> sequence{};  // events
  std::size_t next = 0;         // of the sequence
  bool returned = false;        // the sequence, by the delivery before it
  bool refused = false;         // one of the sequence
  int executor = 0;
};

// An event type.
struct TypeState {
  std::uint64_t published = 0;
  std::uint64_t refused = 0;
  std::uint64_t orphaned = 0;
  DeliveryCounts deliveries{};
};

// How often the library's own events had to be told.
struct Told {
  int failed = 0;
  int orphaned = 0;
  int refused = 0;
  int dropped = 0;
  int quarantined = 0;
  int expired = 0;
  bool operator==(const Told&) const = default;
};

}  // namespace belfry::model
