// The flow of a sign-up as a story: a coroutine for each request, to be read from top to bottom. By
// events: flow_by_events.h.
#pragma once

#include <memory>

#include "signup/open_sign_ups.h"
#include "signup/wiring.h"

namespace signup {

// Wires what turns SignUpRequested into UserSignedUp or SignUpFailed.
void WireFlowAsStory(Wiring& wiring, std::shared_ptr<OpenSignUps> open, const Ports& ports);

}  // namespace signup
