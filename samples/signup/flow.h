// The two ways in which the flow is written.
#pragma once

namespace signup {

// How what happens between SignUpRequested and its end is written. Whoever looks from outside sees
// no difference.
enum class Flow {
  kEvents,  // flow_by_events.h
  kStory,   // flow_as_story.h
};

}  // namespace signup
