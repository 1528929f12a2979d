// The sign-up as a whole: which listener hears what.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/files.h"
#include "belfry/flow/composition.h"
#include "belfry/subscription_bag.h"
#include "signup/audit.h"
#include "signup/flow.h"
#include "signup/mailbox.h"
#include "signup/open_sign_ups.h"
#include "signup/user_store.h"

namespace signup {

// What the sign-up needs of the outside world. All of it outlives the wiring.
struct Ports {
  UserStore& users;
  belfry::Files& files;
  const Mailbox& mailbox;
  std::string welcome_template;  // a path, for `files`
  AuditSink audit;
  OpenSignUps::Limits limits = {};
};

// Everything that listens. What it calls lives as long as it does.
//
// Thread safety: one thread.
class [[nodiscard]] Wiring {
 public:
  Wiring(belfry::Dispatcher& dispatcher, const OpenSignUps::Limits& limits)
      : dispatcher_(dispatcher),
        // A sign-up has at most one event in a listener's queue, and some have just ended: below
        // the limit of open sign-ups nothing is refused. What is refused fails its sign-up at once.
        queue_{.events_max = 4 * limits.open_max} {}

  // `listener` gets E, queued: it may block.
  template <class E, class Listener>
  void On(std::string_view name, Listener listener, belfry::ListenerOptions options = {}) {
    options.name = name;
    options.queue = queue_;
    options.overflow = belfry::Overflow::Reject();
    listeners_ += dispatcher_.Subscribe<E>(std::move(listener), std::move(options));
  }
  // The same inside the publish.
  template <class E, class Listener>
  void OnInline(std::string_view name, Listener listener) {
    listeners_ += dispatcher_.Subscribe<E>(
        std::move(listener), {.name = std::string(name), .run = belfry::Run::kInline});
  }
  void Keep(belfry::Composition composition) { compositions_.push_back(std::move(composition)); }

  belfry::Dispatcher& dispatcher() const { return dispatcher_; }

 private:
  belfry::Dispatcher& dispatcher_;
  const belfry::QueueLimit queue_;
  std::vector<belfry::Composition> compositions_;
  belfry::SubscriptionBag listeners_;
};

// Wires everything that turns HttpRequestReceived into HttpResponse. The program and its tests call
// this same function; they differ in the dispatcher and the ports alone.
//
// Errors: a listener that could not be subscribed is not there; only a closed dispatcher makes one
// fail.
Wiring WireSignUp(belfry::Dispatcher& dispatcher, const Ports& ports, Flow flow);

}  // namespace signup
