#include "dispatch/mailbox_traits.h"

namespace belfry {

bool MailboxTraits::Needed(const ListenerOptions& options) {
  using Policy = Overflow::Policy;
  const Policy policy = options.overflow.policy;
  return options.key || options.concurrency > 1 ||
         (policy != Policy::kBlock && policy != Policy::kReject);
}

// A synchronous dispatcher has one thread, so there all is in order.
MailboxTraits MailboxTraits::Of(const ListenerOptions& options, Executor* executor,
                                bool of_library) {
  using Policy = Overflow::Policy;
  const Policy policy = options.overflow.policy;
  const unsigned concurrency = executor == nullptr ? 1 : options.concurrency;
  return {executor,
          options.queue,
          policy,
          options.overflow.patience,
          concurrency,
          options.key && concurrency > 1,
          policy == Policy::kDropOldest || (of_library && policy != Policy::kDropNewest)};
}

}  // namespace belfry
