// Deliveries that go on after their listener's callable has returned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "belfry/context.h"
#include "belfry/suspended_delivery.h"

namespace belfry {

struct CallableInUse;

// Thread safety: `phase` its listener's mutex; the rest is whose who runs it.
struct Suspension {
  enum class Phase : std::uint8_t {
    kRuns,       // or there is none
    kRunsAgain,  // was woken while it ran
    kWaits,
    kWoken,  // waits for a turn
  };

  Phase phase = Phase::kRuns;
  Waker waker{};
  CallableInUse* callable = nullptr;
  std::optional<Context> context{};  // as long as the delivery
  std::unique_ptr<SuspendedDelivery> rest{};

  void Clear() {
    rest.reset();
    context.reset();
    waker = {};
  }
};

}  // namespace belfry
