// The sign-ups under way.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <set>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/envelope.h"
#include "belfry/publisher.h"
#include "signup/events.h"

namespace signup {

// The sign-ups under way, each the story of one correlation id. A sign-up ends once: by Close, or
// by Fail.
//
// Thread safety: any thread.
class OpenSignUps {
 public:
  struct Limits {
    std::size_t open_max = 1000;
    // Of one sign-up. Less than the HTTP server's own limit, so that its answer says more.
    belfry::Nanoseconds time_max = std::chrono::seconds(10);
  };

  OpenSignUps(belfry::Publisher publisher, Limits limits)
      : publisher_(std::move(publisher)), limits_(limits) {}

  // False when too many are open; then it has ended with a SignUpFailed.
  bool Open(const belfry::Cause& cause);

  bool contains(belfry::EventId story) const;

  // Ends a sign-up. False when it had ended already, so that this end must not be told.
  bool Close(belfry::EventId story);

  // Ends a sign-up and says why, unless it has ended already.
  // Errors: not even that could be published. The sign-up has ended without an answer.
  absl::Status Fail(const belfry::Cause& cause, SignUpFailed failed);

  // Says why one has failed that is closed.
  absl::Status Tell(const belfry::Cause& cause, SignUpFailed failed);

  std::size_t size() const;
  const Limits& limits() const { return limits_; }

 private:
  const belfry::Publisher publisher_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::set<belfry::EventId> open_;
};

}  // namespace signup
