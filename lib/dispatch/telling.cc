#include "dispatch/telling.h"

#include <cxxabi.h>

#include <cstdio>
#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/catching.h"
#include "dispatch/dispatcher_core.h"

namespace belfry {

// Publishes a library event that `make` builds from the number of those left out before, if the
// limit allows one more. Whether somebody got it.
template <class Make>
bool Telling::Tell(RateLimit& limit, Make make) try {
  const auto left_out = limit.Allow(core_.clock().Now());
  if (!left_out.has_value()) return true;
  auto event = make(*left_out);
  const EventType type = EventTypeOf<decltype(event)>();
  const Topic::ListenerSet listeners = core_.topics().Of(type).listeners();
  if (!listeners.queued && listeners.inlined.listeners == 0) return false;
  return core_.Publish(type, EventHandle::Of(event)).ok();
} catch (const std::bad_alloc&) {
  return false;
}

// The same, but not on a synchronous dispatcher whose turn another thread has, maybe until what is
// told here is known.
template <class Make>
bool Telling::TellWithoutWaiting(RateLimit& limit, Make make) {
  if (core_.executor_if_any() != nullptr) return Tell(limit, make);
  const Turns::Holder turn(core_.turns(), Clock::Real().Now());
  const bool mine = turn.outermost() || Frame::InnermostOf(core_) != nullptr;
  const bool told = mine && Tell(limit, make);
  if (turn.outermost()) core_.turns().RunAll();
  return told;
}

void Telling::OfFailure(Listener& listener, const Envelope& envelope, std::string_view what,
                        AttemptState state) {
  const Topic& topic = core_.topics().Of(envelope.type());
  // A listener of library events that fails must not cause another one: the log is told.
  const bool told =
      !topic.of_library() && Tell(listener.failures_told(), [&](std::uint64_t left_out) {
        return ListenerFailed{std::string(listener.name()),
                              listener.id(),
                              topic.type(),
                              envelope.id(),
                              std::string(what),
                              left_out,
                              state.attempt,
                              state.final};
      });
  if (!told) LogFailure(listener, topic.type(), what, state);
}

void Telling::LogFailure(const Listener& listener, EventType type, std::string_view what,
                         AttemptState state) const try {
  std::string text =
      "listener \"" + std::string(listener.name()) + "\" failed on " + std::string(type.name());
  if (!state.final) text += ", which is tried again after attempt " + std::to_string(state.attempt);
  Log(state.final ? LogLevel::kError : LogLevel::kWarning, text + ": " + std::string(what));
} catch (const std::bad_alloc&) {
  Log(LogLevel::kError, "a listener failed, and there is no memory to say more");
}

void Telling::OfOrphan(Topic& topic) {
  if (topic.of_library()) return;
  Tell(topic.orphans_told(), [&](std::uint64_t left_out) {
    return Orphaned{topic.type(), left_out};
  });
}

void Telling::OfRefusal(Topic& topic, PublishResult result, const Listener& refuser) {
  Tell(topic.refusals_told(), [&](std::uint64_t left_out) {
    return PublishRefused{topic.type(), std::string(refuser.name()), result, left_out};
  });
}

void Telling::OfDrop(const Listener& listener, const Topic& topic, RateLimit& limit) {
  if (topic.of_library()) return;
  Tell(limit, [&](std::uint64_t left_out) {
    return Dropped{topic.type(), std::string(listener.name()), listener.id(), left_out};
  });
}

void Telling::OfExpiry(const Listener& listener, const Topic& topic, RateLimit& limit) {
  if (topic.of_library()) return;
  Tell(limit, [&](std::uint64_t left_out) {
    return Expired{topic.type(), std::string(listener.name()), listener.id(), left_out};
  });
}

void Telling::OfQuarantine(const Listener& listener, const Topic& topic, RateLimit& limit,
                           std::string_view what) try {
  const bool told = !topic.of_library() && Tell(limit, [&](std::uint64_t left_out) {
    return ListenerQuarantined{topic.type(), std::string(listener.name()), listener.id(),
                               std::string(what), left_out};
  });
  if (told) return;
  Log(LogLevel::kWarning,
      "listener \"" + std::string(listener.name()) + "\" failed too often and is muted");
} catch (const std::bad_alloc&) {
  Log(LogLevel::kWarning, "a listener failed too often and is muted");
}

void Telling::OfSpareThread(unsigned running) {
  Tell(spares_told_, [&](std::uint64_t left_out) { return SpareThreadStarted{running, left_out}; });
}

void Telling::OfSlowListener(const Topic& topic, const SlowListener& slow) {
  const bool told =
      !topic.of_library() && TellWithoutWaiting(slow_told_, [&](std::uint64_t left_out) {
        SlowListener event = slow;
        event.suppressed = left_out;
        return event;
      });
  if (told) return;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(slow.running_for);
  Log(LogLevel::kWarning,
      "listener \"" + slow.listener + "\" has been handling " + std::string(topic.type().name()) +
          " for " + std::to_string(ms.count()) + " ms on thread " + std::to_string(slow.thread));
}

void Telling::OfPile(Topic& topic) try {
  const std::optional<SiteCount::Pile> pile = topic.site_count().Look(topic.Sites());
  if (!pile.has_value()) return;
  const bool told = !topic.of_library() && TellWithoutWaiting(piles_told_, [&](std::uint64_t) {
    return ListenersPiledUp{topic.type(), pile->site.file, pile->site.line, pile->listeners};
  });
  if (told) return;
  Log(LogLevel::kWarning, std::to_string(pile->listeners) + " listeners of " +
                              std::string(topic.type().name()) + " were subscribed at " +
                              pile->site.file + ":" + std::to_string(pile->site.line) +
                              " and live: are their subscriptions ever to end?");
} catch (const std::bad_alloc&) {
  // They will be noticed later.
}

template <class Call>
void Telling::CallHook(Call call) const {
  const auto failed = [this](std::string_view what) {
    try {
      Log(LogLevel::kError, "a life cycle hook threw: " + std::string(what));
    } catch (const std::bad_alloc&) {
      Log(LogLevel::kError, "a life cycle hook threw, and there is no memory to say more");
    }
  };
  Catching(call, failed, [] {});
}

void Telling::OfLife(const std::function<void(const ListenerInfo&)>& hook,
                     const Listener& listener) const {
  if (!hook) return;
  CallHook([&] {
    hook({listener.id(), listener.name(), listener.topic().type(), listener.site()});
  });
}

void Telling::OfState(DispatcherState state) const {
  const auto& hook = core_.options().life_cycle.state_changed;
  if (hook) CallHook([&] { hook(state); });
}

void Telling::Log(LogLevel level, std::string_view text) const {
  if (log_ == nullptr) {
    std::fprintf(stderr, "belfry: %.*s\n", static_cast<int>(text.size()), text.data());
    return;
  }
  try {
    log_(level, text);
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    std::fprintf(stderr, "belfry: the log hook threw while it was told: %.*s\n",
                 static_cast<int>(text.size()), text.data());
  }
}

}  // namespace belfry
