// In which order the listeners of one type have their turns on a synchronous dispatcher.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "belfry/publish_result.h"

namespace belfry {

using TurnOrder = std::vector<ListenerId>;

// On the way through it with one event.
struct TurnCursor {
  std::shared_ptr<const TurnOrder> order{};  // null: that of subscription
  std::size_t place = 0;
  ListenerId last = 0;
};

}  // namespace belfry
