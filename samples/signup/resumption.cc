#include "signup/resumption.h"

#include <string>
#include <utility>

namespace signup {

using belfry::Context;

Resumption::Resumption(belfry::Dispatcher& dispatcher, const std::vector<User>& pending,
                       std::function<void(const Report&)> done)
    : dispatcher_(dispatcher),
      done_(std::move(done)),
      waiting_(pending.begin(), pending.end()),
      report_{.pending = pending.size()} {
  subscriptions_.push_back(dispatcher.Subscribe(
      [this](const UserSignedUp&, Context& context) {
        Ended(context.envelope().correlation_id(), false);
      },
      {.name = "signup.resume"}));
  subscriptions_.push_back(dispatcher.Subscribe(
      [this](const SignUpFailed&, Context& context) {
        Ended(context.envelope().correlation_id(), true);
      },
      {.name = "signup.resume"}));
}

void Resumption::Start() {
  for (std::size_t begun = 0; begun < kAtOnce; ++begun) Continue();
}

void Resumption::Continue() {
  const belfry::EventId story = dispatcher_.NewEventId();
  SignUpRequested request;
  {
    const std::lock_guard lock(mutex_);
    // A dispatcher that drains accepts what its listeners publish, but files are read no more then.
    if (waiting_.empty() || dispatcher_.closed()) return;
    request = {std::move(waiting_.front().email), std::move(waiting_.front().name)};
    waiting_.pop_front();
    under_way_.insert(story);
  }
  const bool published =
      dispatcher_.Publish(std::move(request), {.cause = belfry::Cause{}, .id = story}).ok();
  if (!published) Ended(story, true);
}

void Resumption::Ended(belfry::EventId story, bool failed) {
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    if (under_way_.erase(story) == 0) return;
    if (failed) ++report_.failed;
    last = under_way_.empty() && waiting_.empty();
  }
  if (last) return done_(report_);
  Continue();
}

}  // namespace signup
