// Small flows, each with one mistake in it that only some orders of delivery bring to light.
#pragma once

#include <cstddef>
#include <vector>

#include "belfry/testing/world.h"

namespace belfry::testing {

struct Flow {
  const char* name;
  // Expects what must hold in every order.
  void (*run)(World& world, bool mended);
  // Of the shortest schedule that fails: how many changes of the order in which things were ready.
  std::size_t changes;
};

const std::vector<Flow>& Flows();

}  // namespace belfry::testing
