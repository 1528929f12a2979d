// The open compositions of one kind, by their keys. Knows no thread, no clock and no callable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/envelope.h"
#include "belfry/flow/composition.h"
#include "belfry/flow/composition_key.h"
#include "belfry/flow/composition_parts.h"
#include "belfry/flow/composition_plan.h"
#include "belfry/flow_events.h"
#include "dispatch/linked_list.h"

namespace belfry {

// The correlation of parts, as long as it is one.
struct CommonStory {
  EventId correlation{};
  bool common = true;
  void Add(EventId added) {
    if (!correlation) correlation = added;
    common = common && added == correlation;
  }
};

// One that has ended, with its parts.
struct EndedComposition {
  CompositionKey key;
  HeldParts parts;
  CommonStory story;
  SharedBaggage baggage;  // of the last part
};

// An event that is a part.
struct PartArrival {
  std::size_t index = 0;
  CompositionKey key;
  EventId correlation;
  SharedBaggage baggage;
  SteadyTime now{};  // known where it matters
};

struct CompositionRules {
  CompositionShape shape{};
  std::size_t parts = 0;
  std::size_t needed = 0;
  Nanoseconds within{};  // from the first part on; zero: there is no limit
  Nanoseconds quiet{};   // from the last part on
  std::size_t open_max = 0;
  std::optional<Nanoseconds> remember{};  // unset: until there are too many
  std::size_t remembered_max = 0;         // zero: none is
  bool keeps_time() const {
    return within != Nanoseconds::zero() || quiet != Nanoseconds::zero() || forgets();
  }
  bool forgets() const { return remembered_max != 0 && remember.has_value(); }
};

// Thread safety: none; its owner's lock. No user code runs here: what is let go of is handed out.
class CompositionTable {
 public:
  explicit CompositionTable(const CompositionRules& rules) : rules_(rules) {}
  CompositionTable(const CompositionTable&) = delete;
  CompositionTable& operator=(const CompositionTable&) = delete;

  // What became of a part, and of others with it.
  struct Offered {
    enum class Kind { kTaken, kDuplicate, kOutOfOrder, kLate } kind = Kind::kTaken;
    CompositionEnd late_after{};
    bool opened = false;
    std::optional<EndedComposition> complete{};
    std::optional<EndedComposition> evicted{};
    HeldParts replaced{};
  };
  // Takes `part` over if it is taken. Throws std::bad_alloc, with nothing changed.
  Offered Offer(const PartArrival& arrival, std::unique_ptr<HeldPart>& part);
  // What is open of its key, and what is to come for it, is given up. Throws as Offer.
  std::optional<EndedComposition> GiveUp(const PartArrival& arrival);
  void Count(Offered::Kind kind);  // a part that was not taken

  // One whose time is over.
  struct Due {
    enum class Kind { kComplete, kTimedOut, kLapsed } kind{};
    EndedComposition ended;
  };
  std::optional<Due> TakeDue(SteadyTime now);
  // When TakeDue has something to do.
  std::optional<SteadyTime> NextDeadline() const;

  // What was complete has failed after all.
  void CountFailed();
  // Lets go of all that is open, one after the other.
  std::optional<EndedComposition> Cancel();

  struct Open {
    CompositionKey key;
    std::vector<std::size_t> got;
    std::optional<SteadyTime> until;
  };
  std::vector<Open> GetOpen(std::size_t max) const;  // the oldest
  CompositionStats stats() const;

 private:
  struct KeyHash {
    std::size_t operator()(const CompositionKey& key) const noexcept;
  };
  // Open, or ended and remembered.
  struct Entry {
    const CompositionKey* key = nullptr;
    HeldParts parts;
    std::uint64_t filled = 0;  // a bit for each part that has come
    CommonStory story;
    SharedBaggage baggage;
    SteadyTime since{};  // it was opened, or has ended
    SteadyTime last{};   // part
    Links<Entry> by_age;
    Links<Entry> by_quiet;
    std::optional<CompositionEnd> end;  // unset: it is open
  };
  using Entries = std::unordered_map<CompositionKey, Entry, KeyHash>;

  bool Opens(std::size_t index) const;
  bool Completes(const Entry& entry) const;
  Entry& MakeEntry(const PartArrival& arrival, Offered& offered);
  Offered::Kind Fits(const Entry& entry, std::size_t index) const;
  void Add(Entry& entry, const PartArrival& arrival, std::unique_ptr<HeldPart> part,
           Offered& offered);
  EndedComposition End(Entry& entry, CompositionEnd end) noexcept;
  bool Remember(Entry& entry, CompositionEnd end, CompositionKey& key) noexcept;
  void ForgetFirst();
  void Forget();
  std::optional<SteadyTime> Deadline(const Entry& entry) const;

  const CompositionRules rules_;
  Entries entries_;
  LinkedList<Entry, &Entry::by_age> open_;     // the oldest first
  LinkedList<Entry, &Entry::by_quiet> quiet_;  // these, by their last part
  LinkedList<Entry, &Entry::by_age> ended_;    // and remembered, the earliest first
  std::size_t ended_count_ = 0;
  SteadyTime now_{};  // the latest that it was told
  CompositionStats stats_;
};

}  // namespace belfry
