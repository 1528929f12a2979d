// Why a Subscribe is refused.
#pragma once

#include <string>

#include "belfry/event_type.h"
#include "belfry/listener_options.h"

namespace belfry {

class EventSelection;

struct SubscribeError {
  bool closed = false;  // the dispatcher; else an option is wrong
  std::string what;
  bool taken = false;  // somebody else does it already
};

// What is wrong with the options of a listener of events of `type`; "" if they make sense.
std::string Complaint(const ListenerOptions& options, EventType type);
// The same of one for several types.
std::string Complaint(const ListenerOptions& options, const EventSelection& selection);

}  // namespace belfry
