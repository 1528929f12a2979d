#include "belfry/publish_result.h"

#include <string>

#include "absl/status/status.h"

#include "belfry/envelope.h"

namespace belfry {

absl::Status PublishResult::status() const {
  const auto listener = [this] { return "listener " + std::to_string(refuser()); };
  switch (code()) {
    case Code::kAccepted:
      return absl::OkStatus();
    case Code::kClosed:
      return absl::FailedPreconditionError("the dispatcher is closed");
    case Code::kQueueFull:
      return absl::ResourceExhaustedError("the queue of " + listener() + " is full");
    case Code::kTooLarge:
      return absl::ResourceExhaustedError("the event is larger than all that the queue of " +
                                          listener() + " ever holds");
    case Code::kWouldDeadlock:
      return absl::AbortedError("the queue of " + listener() +
                                " is full, and this thread may be the one that empties it");
    case Code::kTooDeep:
      return absl::ResourceExhaustedError(
          "inline listeners or interceptors publish deeper than DispatcherOptions::depth_max");
    case Code::kOutOfMemory:
      return absl::ResourceExhaustedError("out of memory");
    case Code::kIntercepted:
      return absl::PermissionDeniedError("an interceptor refused the event");
    case Code::kTooMuchBaggage:
      return absl::InvalidArgumentError(
          "an event carries at most " + std::to_string(kBaggageEntriesMax) +
          " entries of baggage, and " + std::to_string(kBaggageBytesMax) + " bytes of them");
    case Code::kNoTimers:
      return absl::FailedPreconditionError(
          "a synchronous dispatcher publishes later only with DispatcherOptions::timers");
    case Code::kForked:
      return absl::FailedPreconditionError("this process was forked from the dispatcher's");
  }
  return absl::InternalError("no such result");
}

}  // namespace belfry
