// Delivery counts in the text of a failing test.
#pragma once

#include <cstdint>
#include <string>

#include "belfry/stats.h"

namespace belfry {

inline std::string ToString(const DeliveryCounts& counts) {
  std::string text = std::to_string(counts.offered) + " offered";
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count != 0) text += ", " + std::to_string(count) + " " + what;
  };
  add(counts.handled, "handled");
  add(counts.dead, "dead");
  add(counts.filtered, "filtered");
  add(counts.dropped, "dropped");
  add(counts.coalesced, "coalesced");
  add(counts.cancelled, "cancelled");
  add(counts.queued, "queued");
  add(counts.running, "running");
  return text;
}

}  // namespace belfry
