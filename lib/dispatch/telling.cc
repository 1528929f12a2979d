// The library's own events, and what is said when nobody listens to them.

#include <cxxabi.h>

#include <cstdio>
#include <new>
#include <utility>

#include "belfry/library_events.h"
#include "dispatch/dispatcher_core.h"

namespace belfry {

// Publishes a library event that `make` builds from the number of those left out before, if the
// limit allows one more. Whether somebody got it.
template <class Make>
bool DispatcherCore::Tell(RateLimit& limit, Make make) try {
  const auto left_out = limit.Allow(clock_.Now());
  if (!left_out.has_value()) return true;
  auto event = make(*left_out);
  const EventType type = EventTypeOf<decltype(event)>();
  if (topics_.Of(type).table()->listeners.empty()) return false;
  return Publish(type, EventHandle::Of(event), {}).ok();
} catch (const std::bad_alloc&) {
  return false;
}

void DispatcherCore::TellFailure(Listener& listener, const Envelope& envelope,
                                 std::string_view what) {
  const ListenerTraits& traits = listener.traits();
  // A listener of library events that fails must not cause another one: the log is told.
  const bool told =
      !traits.of_library_event && Tell(listener.failures_told(), [&](std::uint64_t left_out) {
        return ListenerFailed{traits.name,   traits.id,         traits.event_type,
                              envelope.id(), std::string(what), left_out};
      });
  if (!told) LogFailure(traits, what);
}

void DispatcherCore::LogFailure(const ListenerTraits& traits, std::string_view what) const try {
  Log(LogLevel::kError, "listener \"" + traits.name + "\" failed on " +
                            std::string(traits.event_type.name()) + ": " + std::string(what));
} catch (const std::bad_alloc&) {
  Log(LogLevel::kError, "a listener failed, and there is no memory to say more");
}

void DispatcherCore::TellOrphan(Topic& topic) {
  if (topic.of_library()) return;
  Tell(topic.orphans_told(), [&](std::uint64_t left_out) {
    return Orphaned{topic.type(), left_out};
  });
}

void DispatcherCore::TellRefusal(Topic& topic, PublishResult result, std::string_view refuser) {
  Tell(topic.refusals_told(), [&](std::uint64_t left_out) {
    return PublishRefused{topic.type(), std::string(refuser), result, left_out};
  });
}

void DispatcherCore::TellSpareThread(unsigned running) {
  Tell(spares_told_, [&](std::uint64_t left_out) { return SpareThreadStarted{running, left_out}; });
}

void DispatcherCore::Log(LogLevel level, std::string_view text) const {
  if (options_.log == nullptr) {
    std::fprintf(stderr, "belfry: %.*s\n", static_cast<int>(text.size()), text.data());
    return;
  }
  try {
    options_.log(level, text);
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    std::fprintf(stderr, "belfry: the log hook threw while it was told: %.*s\n",
                 static_cast<int>(text.size()), text.data());
  }
}

}  // namespace belfry
