// Calls that come later, in C++ above belfry/plugin_timers.h.
//
//   belfry::plugin::After(host, "reminder", std::chrono::minutes(5), [] { Remind(); });
//   const std::uint64_t beat =
//       belfry::plugin::Every(host, "beat", std::chrono::seconds(1), [] { Beat(); });
//   host.Unsubscribe(beat);
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "belfry/plugin.hpp"
#include "belfry/plugin_timers.h"

namespace belfry::plugin {

// Calls `callable` after `delay`, and then, above a period of zero, again and again: `period` after
// the end of the call before. Until Host::Unsubscribe of what this returns, or the plugin is
// stopped. What it throws is that call's failure.
// Thread safety, errors: as of Host.
template <class Callable>
std::uint64_t StartTimer(const Host& host, std::string_view name, std::chrono::nanoseconds delay,
                         std::chrono::nanoseconds period, Callable callable) {
  const belfry_host& border = host.border();
  const void* const found = border.extension(border.context, TextOf(BELFRY_TIMERS));
  if (found == nullptr) throw Error(BELFRY_UNIMPLEMENTED, "the host has no timers");
  const auto count = [](std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count() > 0 ? time.count() : 0);
  };
  auto user = std::make_unique<Callable>(std::move(callable));
  belfry_timer timer{};
  timer.size = sizeof(timer);
  timer.name = TextOf(name);
  timer.delay_ns = count(delay);
  timer.period_ns = count(period);
  timer.user = user.get();
  timer.on_time = [](void* self, belfry_error* error) {
    return CallPlugin(error, [&] { (*static_cast<Callable*>(self))(); });
  };
  timer.released = [](void* self) { delete static_cast<Callable*>(self); };
  std::uint64_t id = 0;
  CallHost([&](belfry_error* error) {
    return static_cast<const belfry_timers*>(found)->start(border.context, &timer, &id, error);
  });
  static_cast<void>(user.release());  // the host's, which releases it
  return id;
}

template <class Callable>
std::uint64_t After(const Host& host, std::string_view name, std::chrono::nanoseconds delay,
                    Callable callable) {
  return StartTimer(host, name, delay, std::chrono::nanoseconds::zero(), std::move(callable));
}
template <class Callable>
std::uint64_t Every(const Host& host, std::string_view name, std::chrono::nanoseconds period,
                    Callable callable) {
  return StartTimer(host, name, period, period, std::move(callable));
}

}  // namespace belfry::plugin
