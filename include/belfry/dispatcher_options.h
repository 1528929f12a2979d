// How a dispatcher is to work; and how its log becomes part of another one's.
//
//   belfry::Dispatcher with_absl({.log = [](belfry::LogLevel level, std::string_view text) {
//     constexpr absl::LogSeverity kSeverities[] = {
//         absl::LogSeverity::kInfo, absl::LogSeverity::kWarning, absl::LogSeverity::kError};
//     LOG(LEVEL(kSeverities[static_cast<int>(level)])) << text;
//   }});
//   belfry::Dispatcher with_spdlog({.log = [](belfry::LogLevel level, std::string_view text) {
//     constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::info, spdlog::level::warn,
//                                                      spdlog::level::err};
//     spdlog::log(kLevels[static_cast<int>(level)], "{}", text);
//   }});
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "belfry/clock.h"
#include "belfry/interceptor.h"
#include "belfry/life_cycle.h"
#include "belfry/observer.h"
#include "belfry/overflow.h"
#include "belfry/thread_pool.h"

namespace belfry {

class Timers;

enum class LogLevel { kInfo, kWarning, kError };

struct DispatcherOptions {
  // Where queued listeners run unless they name an executor of their own. Null: a ThreadPool that
  // the dispatcher owns, made with `pool`. Outlives the dispatcher.
  Executor* executor = nullptr;
  ThreadPoolOptions pool{};
  // Every listener, queued or inline, runs on the publishing thread, breadth first: nested
  // publishes wait their turn, and the outermost Publish returns when all of it is done. Threads
  // that publish at once take turns. For tests and single-threaded programs; executors are not
  // used.
  bool synchronous = false;
  const Clock* clock = nullptr;  // null: the real one
  // Who calls back for retries and delayed publishes. Null: a thread of its own, started when first
  // needed; a synchronous dispatcher tries again at once then, and refuses to publish later. What
  // is called back runs where the listeners do. Goes by `clock`, if that is given. Outlives the
  // dispatcher.
  Timers* timers = nullptr;
  // Deliveries that run for longer are told of as SlowListener, before they have taken twice as
  // long by `clock`; a delivery pays nothing for it. Zero: nobody looks, and no thread is started
  // for it. A synchronous dispatcher needs `timers` for it.
  Nanoseconds slow_after{};
  // More listeners of one type, subscribed at one place in the source, are told of as
  // ListenersPiledUp. Zero: never.
  std::size_t listeners_per_site_max = 1000;
  // Told of listeners that come and go, and of its end.
  LifeCycleHooks life_cycle{};
  QueueLimit dead_letters{};  // how many are kept; the oldest go first
  // Told what has no listener to tell: failures without a ListenerFailed listener, as rarely as one
  // would be told (see library_events.h), refused subscriptions, sources that fail to stop. May be
  // called on any thread, under no lock. Null, or where it throws: stderr. Above are two bridges.
  std::function<void(LogLevel, std::string_view)> log{};
  // Of inline listeners that publish to inline listeners, and interceptors that publish.
  unsigned depth_max = 64;
  // Around every publish and every delivery, the first one outermost. Without any around publishes
  // these cost nothing more; with one no event takes the short ways.
  std::vector<Interceptor> interceptors{};
  Observer* observer = nullptr;  // of every event; outlives the dispatcher
  // Of its event ids, and of what it leaves to chance, as delays of retries. 0: drawn at random.
  std::uint64_t origin = 0;
};

}  // namespace belfry
