// The sign-up as a whole: which listener hears what.
#pragma once

#include <string>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/files.h"
#include "signup/audit.h"
#include "signup/mailbox.h"
#include "signup/open_sign_ups.h"
#include "signup/user_store.h"

namespace signup {

// What the sign-up needs of the outside world. All of it outlives the subscriptions.
struct Ports {
  UserStore& users;
  belfry::Files& files;
  const Mailbox& mailbox;
  std::string welcome_template;  // a path, for `files`
  AuditSink audit;
  OpenSignUps::Limits limits = {};
};

// Subscribes everything that turns HttpRequestReceived into HttpResponse. The program and its tests
// call this same function; they differ in the dispatcher and the ports alone.
//
// Lifetime: the listeners live as long as the subscriptions returned.
// Errors: a subscription that failed says so itself; only a closed dispatcher makes one fail.
[[nodiscard]] std::vector<belfry::Subscription> WireSignUp(belfry::Dispatcher& dispatcher,
                                                           const Ports& ports);

}  // namespace signup
