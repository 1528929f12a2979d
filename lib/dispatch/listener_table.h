// One version of the listeners of an event type. Immutable: a publish uses exactly one.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace belfry {

class Listener;

struct ListenerTable {
  std::vector<std::shared_ptr<Listener>> listeners;  // in order of subscription
  std::size_t queued = 0;                            // how many of them have a queue
  bool any_takes_context = false;

  std::size_t inline_listeners() const { return listeners.size() - queued; }
};

}  // namespace belfry
