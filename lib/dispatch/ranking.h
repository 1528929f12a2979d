// The order of listeners, found from what each of them asks for.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "belfry/listener_order.h"

namespace belfry {

// What an order goes by.
struct Ranked {
  std::string name;
  const ListenerOrder* order = nullptr;  // null: it asks for none
};

struct Ranking {
  std::vector<std::size_t> order{};  // of the listeners' indices
  std::string complaint{};           // else why there is none
};

// Of listeners in order of their subscription. Throws std::bad_alloc.
Ranking Rank(const std::vector<Ranked>& listeners);

}  // namespace belfry
