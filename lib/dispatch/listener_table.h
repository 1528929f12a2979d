// One version of the queued listeners of an event type. Immutable: a publish uses exactly one.
#pragma once

#include <memory>
#include <vector>

namespace belfry {

class QueuedListener;

struct ListenerTable {
  std::vector<std::shared_ptr<QueuedListener>> listeners;  // in order of subscription
  bool any_takes_context = false;
};

}  // namespace belfry
