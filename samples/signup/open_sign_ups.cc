#include "signup/open_sign_ups.h"

#include <utility>

namespace signup {

bool OpenSignUps::Open(const belfry::Cause& cause) {
  {
    const std::lock_guard lock(mutex_);
    if (open_.size() < limits_.open_max) {
      open_.insert(cause.correlation);
      return true;
    }
  }
  // If not even that can be told, the HTTP server's own limit answers.
  Tell(cause, {SignUpFailed::Kind::kUnavailable, "too many sign-ups at the moment",
               "the limit of open sign-ups is reached"})
      .IgnoreError();
  return false;
}

bool OpenSignUps::contains(belfry::EventId story) const {
  const std::lock_guard lock(mutex_);
  return open_.contains(story);
}

bool OpenSignUps::Close(belfry::EventId story) {
  const std::lock_guard lock(mutex_);
  return open_.erase(story) > 0;
}

absl::Status OpenSignUps::Fail(const belfry::Cause& cause, SignUpFailed failed) {
  return Close(cause.correlation) ? Tell(cause, std::move(failed)) : absl::OkStatus();
}

absl::Status OpenSignUps::Tell(const belfry::Cause& cause, SignUpFailed failed) {
  return publisher_.Publish(std::move(failed), {.cause = cause}).status();
}

std::size_t OpenSignUps::size() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace signup
