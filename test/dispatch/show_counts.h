// Delivery counts: that they balance, and how they look in the text of a failing test.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

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
  add(counts.expired, "expired");
  add(counts.cancelled, "cancelled");
  add(counts.queued, "queued");
  add(counts.running, "running");
  add(counts.retrying, "retrying");
  return text;
}

inline void ExpectAllBalanced(const Stats& stats) {
  const auto expect = [](const DeliveryCounts& counts, std::string_view whose) {
    EXPECT_TRUE(counts.balanced()) << "D1 " << whose << ": " << ToString(counts);
  };
  for (const TypeStats& type : stats.types) expect(type.deliveries, type.event_type.name());
  for (const ListenerStats& listener : stats.listeners) expect(listener.deliveries, listener.name);
}

}  // namespace belfry
