// Several low-level events that belong together become one business event: the running composition.
// compose.h says how one is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "belfry/clock.h"
#include "belfry/export.h"
#include "belfry/retry.h"
#include "belfry/status_fwd.h"
#include "belfry/subscription.h"

namespace belfry {

class Executor;

struct CompositionOptions {
  std::string name{};  // of its listeners; "" stands for the type of what it emits
  // Of what is open, the oldest is evicted for one more.
  std::size_t open_max = 100'000;
  // For how long it is known that a key has ended: what comes for it meanwhile is late, what comes
  // after that opens it again. Unset: as long as Within says, and not at all without it; where
  // parts are matched by their correlation, which never comes again, until there are too many. What
  // ends by Count, Absent or Debounce may always begin again at once.
  std::optional<Nanoseconds> remember{};
  std::size_t remembered_max = 10'000;  // the oldest is forgotten for one more
  // Where time-outs are handled and undone. Null: the dispatcher's. It outlives the dispatcher.
  Executor* executor = nullptr;
  Retry undo_retry{};  // what an undo fails on
};

// One that has not ended.
struct OpenComposition {
  std::string name{};                  // of the composition
  std::string key{};                   // as a text
  std::vector<std::string> got{};      // parts, in the order in which they came
  std::vector<std::string> missing{};  // those that may still come; of Count "3 LoginFailed"
  std::optional<SteadyTime> until{};   // when its time is over; unset: never
};

// "composition signup, key 7: has UserStored, waits for MailAccepted until +5.000s", by the steady
// clock of the dispatcher, which begins at zero in the world of a test.
BELFRY_EXPORT std::string ToString(const OpenComposition& open);

// What became of them. When nothing is under way,
//   opened = completed + timed_out + given_up + lapsed + evicted + failed + cancelled + open.
struct CompositionStats {
  std::uint64_t opened = 0;
  std::uint64_t completed = 0;  // and what it emits, if anything, was published
  std::uint64_t timed_out = 0;
  std::uint64_t given_up = 0;  // an event of Unless came
  std::uint64_t lapsed = 0;    // of Count: there were too few within the window
  std::uint64_t evicted = 0;
  std::uint64_t failed = 0;     // Emit threw, or what it returned was refused for good
  std::uint64_t cancelled = 0;  // open at its Reset
  std::uint64_t open = 0;
  // Parts that made no difference:
  std::uint64_t duplicates = 0;    // that part had come before
  std::uint64_t out_of_order = 0;  // not the next one of a Sequence, or before what starts Absent
  std::uint64_t late = 0;          // its key had ended; see CompositionLate
};

// A composition, from Start to its end. Whoever holds it holds its listeners.
//
// Thread safety: one thread at a time, any thread, and inside any listener; GetOpen and GetStats
// on several threads at once.
// Lifetime: may outlive the dispatcher.
// Shutdown: while a dispatcher drains, parts that its listeners publish complete what is open. No
// time-out comes any more. What is left open is neither told nor undone: GetOpen lists it.
class [[nodiscard]] BELFRY_EXPORT Composition {
 public:
  Composition();  // empty
  Composition(Composition&& other) noexcept;
  // Resets what was held before.
  Composition& operator=(Composition&& other) noexcept;
  // Resets. A cycle of listeners that wait for each other is a bug here (aborts, naming both).
  ~Composition();

  // Ends it and waits, as Subscription::Reset: after it returned kDone none of its callables runs
  // or will, and they are destroyed. What is open is let go of: it is neither told nor undone, and
  // counted as cancelled. So is an undo that is still queued; Dispatcher::Drain comes before.
  // Blocking: until running calls have ended.
  ResetResult Reset();

  explicit operator bool() const;  // whether there is something to reset
  // What is open, the oldest first. Throws std::bad_alloc.
  std::vector<OpenComposition> GetOpen() const;
  CompositionStats GetStats() const;  // after Reset, too

  // OK, or why Start failed: FAILED_PRECONDITION (the dispatcher is closed, or it is a synchronous
  // one without timers and there is a time to keep), INVALID_ARGUMENT (an option, named).
  absl::Status status() const;

 private:
  friend struct CompositionPlan;
  class Impl;
  explicit Composition(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
