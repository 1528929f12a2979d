// Which listeners get mailboxes, and what of their options these go by.
#pragma once

#include <cstddef>
#include <cstdint>

#include "belfry/listener_options.h"
#include "dispatch/mailbox.h"

namespace belfry {

// How it was subscribed; fixed for its life.
struct MailboxTraits {
  Executor* executor = nullptr;  // null: its deliveries are run by a synchronous dispatcher
  // In one turn. The executor is not asked there: the last turn may come when all is delivered and
  // the dispatcher gone.
  unsigned deliveries_max = 0;
  QueueLimit limit{};
  Overflow::Policy policy = Overflow::Policy::kBlock;
  Nanoseconds patience{};
  unsigned concurrency = 1;   // suspended ones count
  std::size_t strands = 0;    // that its events fall into; 0 where each is its own
  bool drops_oldest = false;  // to make room; of library events whatever its policy is
  Retry retry{};
  Nanoseconds deadline{};
  bool dead_letters = false;
  unsigned starvation_max = 0;
  bool sticky = false;
  bool suspends = false;  // its callable's deliveries may wait

  MailboxRules rules() const {
    return {limit, policy, strands, retry.attempts_max > 1, retry.ordered, starvation_max};
  }
  // From the last one of so many failed attempts to the next.
  Nanoseconds RetryDelay(unsigned attempts) const;
  // The same, shortened at random.
  static Nanoseconds Shortened(Nanoseconds delay, std::uint64_t seed);

  bool expires() const { return deadline > Nanoseconds::zero(); }
  bool lossy() const { return drops_oldest || policy == Overflow::Policy::kDropNewest; }
  // Whether a position in the type's log is not enough for a listener with these options.
  static bool Needed(const ListenerOptions& options);
  static MailboxTraits Of(const ListenerOptions& options, Executor* executor, bool of_library,
                          bool suspends);
};

}  // namespace belfry
