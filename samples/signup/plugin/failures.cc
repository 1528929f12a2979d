// Tells the operator of failures that are the program's own fault: a listener of the sign-up that
// is compiled apart, but alike, so events reach it as the objects that they are.
#include <string_view>

#include "belfry/plugin.hpp"
#include "belfry/plugin_object.hpp"
#include "signup/events.h"

namespace {

class Failures {
 public:
  Failures(belfry::plugin::Host host, std::string_view /*config*/) {
    host.Listen("log", host.Find(belfry::plugin::Object<signup::SignUpFailed>("signup.failed", 1)),
                [host](const signup::SignUpFailed& failed) {
                  if (failed.kind != signup::SignUpFailed::Kind::kUnavailable) return;
                  host.Log(BELFRY_LOG_ERROR, failed.reason + ": " + failed.detail);
                });
  }
};

}  // namespace

BELFRY_PLUGIN_CLASS(Failures, BELFRY_ID("failures") BELFRY_PLUGIN_VERSION("1.0.0")
                                  BELFRY_LISTENS("signup.failed", 1));
