// The library's own events, and what is said when nobody listens to them.

#include <cxxabi.h>

#include <cstdio>
#include <new>
#include <utility>

#include "absl/status/status.h"

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
  const Topic::ListenerSet listeners = topics_.Of(type).listeners();
  if (!listeners.queued && listeners.inlined.listeners == 0) return false;
  return Publish(type, EventHandle::Of(event)).ok();
} catch (const std::bad_alloc&) {
  return false;
}

void DispatcherCore::TellFailure(Listener& listener, const Envelope& envelope,
                                 std::string_view what) {
  const Topic& topic = listener.topic();
  // A listener of library events that fails must not cause another one: the log is told.
  const bool told =
      !topic.of_library() && Tell(listener.failures_told(), [&](std::uint64_t left_out) {
        return ListenerFailed{std::string(listener.name()),
                              listener.id(),
                              topic.type(),
                              envelope.id(),
                              std::string(what),
                              left_out};
      });
  if (!told) LogFailure(listener, what);
}

void DispatcherCore::Fail(Listener& listener, Frame& frame, std::string_view what) {
  if (frame.outcomes != nullptr) {
    frame.outcomes->Record(listener, DeliveryOutcome::Kind::kFailed, what);
    frame.recorded = true;
  }
  TellFailure(listener, frame.MadeEnvelope(), what);
}

Failure PublishReturnedEvent(EventType type, EventHandle event) {
  DispatcherCore& core = *Frame::Innermost()->core();
  const PublishResult result = core.Publish(type, event);
  if (result.ok()) return {};
  return Failure::Because("it returned " + std::string(type.name()) +
                          ", which was refused: " + std::string(result.status().message()));
}

void DispatcherCore::LogFailure(const Listener& listener, std::string_view what) const try {
  Log(LogLevel::kError, "listener \"" + std::string(listener.name()) + "\" failed on " +
                            std::string(listener.topic().type().name()) + ": " + std::string(what));
} catch (const std::bad_alloc&) {
  Log(LogLevel::kError, "a listener failed, and there is no memory to say more");
}

void DispatcherCore::TellOrphan(Topic& topic) {
  if (topic.of_library()) return;
  Tell(topic.orphans_told(), [&](std::uint64_t left_out) {
    return Orphaned{topic.type(), left_out};
  });
}

void DispatcherCore::TellRefusal(Topic& topic, PublishResult result, const Listener& refuser) {
  Tell(topic.refusals_told(), [&](std::uint64_t left_out) {
    return PublishRefused{topic.type(), std::string(refuser.name()), result, left_out};
  });
}

void DispatcherCore::TellDropped(const Listener& listener, RateLimit& limit) {
  const Topic& topic = listener.topic();
  if (topic.of_library()) return;
  Tell(limit, [&](std::uint64_t left_out) {
    return Dropped{topic.type(), std::string(listener.name()), listener.id(), left_out};
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
