#include "belfry/subscription.h"

#include <string>
#include <utility>

#include "absl/status/status.h"

#include "belfry/check.h"
#include "dispatch/decoration.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/listener.h"

namespace belfry {

Subscription::Subscription() = default;
Subscription::Subscription(Subscription&& other) noexcept
    : listener_(std::exchange(other.listener_, nullptr)), why_not_(std::move(other.why_not_)) {}

Subscription::Subscription(Listener& listener) : listener_(&listener) {}

Subscription::Subscription(SubscribeError why_not)
    : why_not_(std::make_unique<SubscribeError>(std::move(why_not))) {}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  Subscription old(std::move(*this));
  listener_ = std::exchange(other.listener_, nullptr);
  why_not_ = std::move(other.why_not_);
  return *this;
}

Subscription::~Subscription() {
  if (listener_ == nullptr) return;
  listener_->TellUnsubscribed();
  if (listener_->Reset() != ResetResult::kWouldDeadlock) return;
  const std::string message =
      "the subscription of listener \"" + std::string(listener_->name()) +
      "\" was destroyed inside " + Frame::Innermost()->Describe() +
      ", and each waits for the other to end: call Reset() there, which says so, or Detach()";
  CheckFailed(__FILE__, __LINE__, "no cycle of listeners that wait for each other", message);
}

ResetResult Subscription::Reset() {
  Listener* const listener = std::exchange(listener_, nullptr);
  if (listener == nullptr) return ResetResult::kDone;
  listener->TellUnsubscribed();
  return listener->Reset();
}

void Subscription::Detach() {
  Listener* const listener = std::exchange(listener_, nullptr);
  if (listener == nullptr) return;
  listener->TellUnsubscribed();
  listener->Detach();
}

ReplaceResult Subscription::ReplaceErased(EventType type, CallableHandle callable) {
  if (listener_ == nullptr) return ReplaceResult::kClosed;
  if (const EventType own = listener_->topic().type(); own != type) {
    const std::string message =
        "listener \"" + std::string(listener_->name()) + "\" gets " + std::string(own.name()) +
        ", the callable to replace its own takes " + std::string(type.name());
    CheckFailed(__FILE__, __LINE__, "a callable is replaced by one for the same event", message);
  }
  BELFRY_CHECK(!callable.suspends || listener_->suspends(),
               "a coroutine took the place of a callable that is none");
  const Topic& topic = listener_->topic();
  return Wrapped(topic.core().interceptors().For(topic.of_library()), listener_->decoration(),
                 callable, [this](CallableHandle next) { return listener_->Replace(next); });
}

void Subscription::Mute() {
  if (listener_ != nullptr) listener_->SetMuted(true);
}
void Subscription::Unmute() {
  if (listener_ != nullptr) listener_->SetMuted(false);
}

ListenerId Subscription::id() const { return listener_ == nullptr ? 0 : listener_->id(); }

absl::Status Subscription::status() const {
  if (why_not_ == nullptr) return absl::OkStatus();
  if (why_not_->taken) return absl::AlreadyExistsError(why_not_->what);
  return why_not_->closed ? absl::FailedPreconditionError(why_not_->what)
                          : absl::InvalidArgumentError(why_not_->what);
}

// --- Context ---

ListenerId Context::listener() const { return listener_.id(); }
std::string_view Context::listener_name() const { return listener_.name(); }

}  // namespace belfry
