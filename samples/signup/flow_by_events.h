// The flow of a sign-up by events: a listener for each step, and a composition where several must
// have happened. As a story: flow_as_story.h.
#pragma once

#include <memory>

#include "signup/open_sign_ups.h"
#include "signup/wiring.h"

namespace signup {

// Wires what turns SignUpRequested into UserSignedUp or SignUpFailed.
void WireFlowByEvents(Wiring& wiring, std::shared_ptr<OpenSignUps> open, const Ports& ports);

}  // namespace signup
