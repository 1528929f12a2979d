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
  bool drops_oldest = false;  // to make room; of library events whatever its policy is

  bool lossy() const { return drops_oldest || policy == Overflow::Policy::kDropNewest; }
  // Whether a position in the type's log is not enough for a listener with these options.
  static bool Needed(const ListenerOptions& options);
  static MailboxTraits Of(const ListenerOptions& options, Executor* executor, bool of_library);
};

}  // namespace belfry
