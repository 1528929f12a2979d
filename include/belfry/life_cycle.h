// What a dispatcher tells of its own life, for tools and tests.
//
//   belfry::Dispatcher dispatcher(
//       {.life_cycle = {.subscribed = [](const belfry::ListenerInfo& l) { Show(l.name); }}});
#pragma once

#include <functional>
#include <string_view>

#include "belfry/event_type.h"
#include "belfry/publish_result.h"
#include "belfry/site.h"

namespace belfry {

// Who has come or goes. Lifetime: the name's ends with the call.
struct ListenerInfo {
  ListenerId id = 0;
  std::string_view name;
  EventType event_type;
  Site site{};  // of its Subscribe
};

// From open, one way; a drain may become a discard.
enum class DispatcherState : int { kOpen, kDraining, kDiscarding, kClosed };

// Called where it happens: on the thread that subscribes, resets, or shuts down, or in a delivery
// that ends its own listener; under no lock. What is not set costs nothing. What they throw is
// logged. belfry/signals2.h makes signals of them.
// Order: of one listener, subscribed before unsubscribed. Changes that several threads make at once
// are told in any order.
// Blocking: who subscribes, resets or shuts down waits for them. They may use the dispatcher, but
// neither shut it down nor destroy it.
struct LifeCycleHooks {
  std::function<void(const ListenerInfo&)> subscribed{};
  // It is about to go: when its Reset or Detach begins, or in the delivery with which it ends.
  // Those still there at the end of the dispatcher are told of as kClosed, all at once.
  std::function<void(const ListenerInfo&)> unsubscribed{};
  // kClosed comes last: threads are joined and listeners destroyed by then.
  std::function<void(DispatcherState)> state_changed{};
};

}  // namespace belfry
