// Which listeners get mailboxes, and what of their options these go by.
#pragma once

#include "belfry/listener_options.h"

namespace belfry {

// How it was subscribed; fixed for its life.
struct MailboxTraits {
  Executor* executor = nullptr;  // null: its deliveries are run by a synchronous dispatcher
  QueueLimit limit{};
  Overflow::Policy policy = Overflow::Policy::kBlock;
  Nanoseconds patience{};
  unsigned concurrency = 1;
  bool keyed = false;

  bool lossy() const {
    return policy == Overflow::Policy::kDropNewest || policy == Overflow::Policy::kDropOldest;
  }
  // Whether a position in the type's log is not enough for a listener with these options.
  static bool Needed(const ListenerOptions& options);
  static MailboxTraits Of(const ListenerOptions& options, Executor* executor);
};

}  // namespace belfry
