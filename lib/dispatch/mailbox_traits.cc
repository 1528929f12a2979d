#include "dispatch/mailbox_traits.h"

#include <algorithm>

#include "belfry/executor.h"
#include "sync/split_mix.h"

namespace belfry {
namespace {

// Keys that fall into one strand by chance wait for each other: seldom with so many.
constexpr std::size_t kStrandsPerTurn = 64;

// Where all is in order anyway, strands are for what holds its own while it waits for its retry.
std::size_t StrandsOf(const ListenerOptions& options, unsigned concurrency,
                      unsigned starvation_max) {
  if (concurrency == 1 && starvation_max == 0 && !options.retry.ordered) return 0;
  if (options.key) return concurrency * kStrandsPerTurn;
  return options.retry.ordered ? 1 : 0;
}

}  // namespace

bool MailboxTraits::Needed(const ListenerOptions& options) {
  using Policy = Overflow::Policy;
  const Policy policy = options.overflow.policy;
  return options.key || options.sticky || options.starvation_max > 0 || options.concurrency > 1 ||
         options.retry.attempts_max > 1 || options.deadline > Nanoseconds::zero() ||
         options.dead_letters || (policy != Policy::kBlock && policy != Policy::kReject);
}

// A synchronous dispatcher has one thread, so there all is in order.
MailboxTraits MailboxTraits::Of(const ListenerOptions& options, Executor* executor, bool of_library,
                                bool suspends) {
  using Policy = Overflow::Policy;
  const Policy policy = options.overflow.policy;
  const unsigned concurrency = executor == nullptr && !suspends ? 1 : options.concurrency;
  const unsigned starvation_max = executor == nullptr ? 0 : options.starvation_max;
  return {executor,
          executor == nullptr ? 0 : executor->deliveries_max(),
          options.queue,
          policy,
          options.overflow.patience,
          concurrency,
          StrandsOf(options, concurrency, starvation_max),
          policy == Policy::kDropOldest || (of_library && policy != Policy::kDropNewest),
          options.retry,
          options.deadline,
          options.dead_letters,
          starvation_max,
          options.sticky,
          suspends};
}

Nanoseconds MailboxTraits::RetryDelay(unsigned attempts) const {
  Nanoseconds delay = std::min(retry.delay, retry.delay_max);
  for (unsigned i = 1; i < attempts && delay < retry.delay_max; ++i) {
    delay = delay > retry.delay_max / 2 ? retry.delay_max : delay * 2;
  }
  return delay;
}

Nanoseconds MailboxTraits::Shortened(Nanoseconds delay, std::uint64_t seed) {
  const auto half = static_cast<std::uint64_t>(delay.count()) / 2;
  return delay - Nanoseconds(static_cast<Nanoseconds::rep>(SplitMix(seed).Below(half + 1)));
}

}  // namespace belfry
