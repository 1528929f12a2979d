#include "signup/open_sign_ups.h"

namespace signup {

bool OpenSignUps::Open(belfry::EventId story) {
  for (const belfry::EventId old : TooOld()) {
    // Whether that could be published is the old story's trouble, not this one's.
    Fail({old, old}, {SignUpFailed::Kind::kUnavailable, "the sign-up took too long",
                      "something that it waited for never happened"})
        .IgnoreError();
  }
  {
    const std::lock_guard lock(mutex_);
    if (opened_.size() >= limits_.open_max) return false;
    opened_.try_emplace(story, dispatcher_.clock().Now());
  }
  welcome_.Open(story);
  completion_.Open(story);
  return true;
}

absl::Status OpenSignUps::Fail(const belfry::Cause& cause, SignUpFailed failure) {
  if (!Close(cause.correlation)) return absl::OkStatus();
  return dispatcher_.Publish(std::move(failure), {.cause = cause}).status();
}

std::size_t OpenSignUps::size() const {
  const std::lock_guard lock(mutex_);
  return opened_.size();
}

SignUpFailed OpenSignUps::Refused(belfry::PublishResult result) {
  return {SignUpFailed::Kind::kUnavailable, "too much to do at the moment",
          std::string(result.status().message())};
}

bool OpenSignUps::Close(belfry::EventId story) {
  {
    const std::lock_guard lock(mutex_);
    if (opened_.erase(story) == 0) return false;
  }
  welcome_.Close(story);
  completion_.Close(story);
  return true;
}

std::vector<belfry::EventId> OpenSignUps::TooOld() const {
  const belfry::SteadyTime now = dispatcher_.clock().Now();
  std::vector<belfry::EventId> old;
  const std::lock_guard lock(mutex_);
  // Ids of one dispatcher grow, so the oldest come first.
  for (const auto& [story, opened] : opened_) {
    if (now - opened < limits_.time_max) break;
    old.push_back(story);
  }
  return old;
}

}  // namespace signup
