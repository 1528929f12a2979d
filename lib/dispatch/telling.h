// The library's own events, and what is said when nobody listens to them.
#pragma once

#include <functional>
#include <string_view>

#include "belfry/dispatcher_options.h"
#include "belfry/publish_result.h"
#include "dispatch/listener.h"
#include "dispatch/rate_limit.h"

namespace belfry {

class DispatcherCore;
class Envelope;
struct SlowListener;
class Topic;

// What a dispatcher tells about itself. Events of its own cause no further ones.
//
// Thread safety: any thread, under no lock: it publishes, and calls the log hook.
class Telling {
 public:
  using LogHook = std::function<void(LogLevel, std::string_view)>;
  Telling(DispatcherCore& core, const LogHook& log) : core_(core), log_(log) {}

  void OfFailure(Listener& listener, const Envelope& envelope, std::string_view what,
                 AttemptState state = {});
  void OfOrphan(Topic& topic);
  void OfRefusal(Topic& topic, PublishResult result, const Listener& refuser);
  void OfDrop(const Listener& listener, const Topic& topic, RateLimit& limit);
  void OfExpiry(const Listener& listener, const Topic& topic, RateLimit& limit);
  void OfQuarantine(const Listener& listener, const Topic& topic, RateLimit& limit,
                    std::string_view what);
  void OfSpareThread(unsigned running);
  void OfSlowListener(const Topic& topic, const SlowListener& slow);
  // Of listeners of one type that pile up, if they do.
  void OfPile(Topic& topic);
  // Of its own life, to hooks that may not be set.
  void OfLife(const std::function<void(const ListenerInfo&)>& hook, const Listener& listener) const;
  void OfState(DispatcherState state) const;
  // The log hook, or stderr.
  void Log(LogLevel level, std::string_view text) const;

 private:
  template <class Make>
  bool Tell(RateLimit& limit, Make make);
  template <class Make>
  bool TellWithoutWaiting(RateLimit& limit, Make make);
  void LogFailure(const Listener& listener, EventType type, std::string_view what,
                  AttemptState state) const;
  template <class Call>
  void CallHook(Call call) const;

  DispatcherCore& core_;
  const LogHook& log_;
  RateLimit spares_told_;
  RateLimit slow_told_;
  RateLimit piles_told_;
};

}  // namespace belfry
