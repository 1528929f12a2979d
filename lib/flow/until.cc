#include "belfry/flow/until.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

#include "dispatch/core_access.h"
#include "dispatch/listener.h"
#include "dispatch/mailbox_listeners.h"
#include "dispatch/publish_tracker.h"
#include "dispatch/topic.h"
#include "dispatch/tracked_publish.h"
#include "flow/effects.h"
#include "flow/time_limit.h"
#include "sync/sync.h"

namespace belfry {
namespace {

// Of all who get events of that type, also of those who listen to several types.
std::vector<std::string> RecipientNames(DispatcherCore& core, EventType type) {
  std::vector<std::string> names = core.ListenerNames(type);
  const MailboxListeners& mailboxes = core.topics().Of(type).mailbox_listeners();
  const auto list = mailboxes.list();
  if (list == nullptr) return names;
  for (const MailboxListeners::Entry& entry : *list) {
    if (!mailboxes.IsGuest(entry) || entry.listener->detached()) continue;
    names.emplace_back(entry.listener->name());
  }
  return names;
}

// One such publish.
//
// Thread safety: any thread. What is told, is told under no lock.
class Until final : public PublishTracker, public std::enable_shared_from_this<Until> {
 public:
  explicit Until(std::shared_ptr<DispatcherCore> core) : core_(std::move(core)) {}

  Completion<UntilOutcome> Publish(EventType type, EventHandle event,
                                   std::vector<std::string> listeners, UntilOptions options);

  void DeliveryEnded(const Listener& listener, DeliveryOutcome::Kind how,
                     std::string_view what) noexcept override;
  void PublishEnded(PublishResult result) noexcept override;

 private:
  // The listeners of one name.
  struct Named {
    std::string name;
    std::ptrdiff_t left = 0;  // that have not ended
  };
  using StopCallback = std::stop_callback<std::function<void()>>;

  void Expect(EventType type, std::vector<std::string> listeners);
  void LimitTime(Nanoseconds within);
  void GiveUp(bool stopped);
  // Makes a change, and tells if that was the last one.
  template <class Change>
  void After(Change change);
  bool Complete() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<DispatcherCore> core_;
  const AmbientContext publisher_ = AmbientContext::Current();
  const Completion<UntilOutcome> told_;
  TimeLimit limit_;

  sync::Mutex mutex_;
  std::vector<Named> named_ ABSL_GUARDED_BY(mutex_);
  UntilOutcome outcome_ ABSL_GUARDED_BY(mutex_);
  AmbientContext effects_ ABSL_GUARDED_BY(mutex_);  // the publisher's, where there is no event
  bool published_ ABSL_GUARDED_BY(mutex_) = false;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;

  std::optional<StopCallback> stop_;  // last: its call uses the rest
};

Completion<UntilOutcome> Until::Publish(EventType type, EventHandle event,
                                        std::vector<std::string> listeners, UntilOptions options) {
  if (core_->forked()) {
    PublishEnded({PublishResult::Code::kForked, 0});
    return told_;
  }
  Expect(type, std::move(listeners));
  AmbientContext effects = EffectsOf(*core_, options.publish);
  After([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { effects_ = std::move(effects); });
  PublishTracked(*core_, type, event, std::move(options.publish),
                 std::make_unique<Outcomes>(shared_from_this()));
  After([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { published_ = true; });
  if (options.within > Nanoseconds::zero()) LimitTime(options.within);
  if (options.stop.stop_possible()) {
    stop_.emplace(std::move(options.stop), [weak = weak_from_this()] {
      if (const std::shared_ptr<Until> self = weak.lock()) self->GiveUp(true);
    });
  }
  return told_;
}

void Until::Expect(EventType type, std::vector<std::string> listeners) {
  const std::vector<std::string> there = RecipientNames(*core_, type);
  const sync::Lock lock(mutex_);
  for (std::string& name : listeners) {
    const std::ptrdiff_t count = std::count(there.begin(), there.end(), name);
    if (count == 0) {
      outcome_.unknown.push_back(std::move(name));
    } else {
      named_.push_back({std::move(name), count});
    }
  }
}

void Until::LimitTime(Nanoseconds within) {
  if (told_.finished()) return;
  Timers* const timers = core_->timers();
  if (timers == nullptr) return GiveUp(false);  // nobody calls back: the time is up at once
  limit_.Begin(*timers, within, [weak = weak_from_this()] {
    if (const std::shared_ptr<Until> self = weak.lock()) self->GiveUp(false);
  });
}

void Until::GiveUp(bool stopped) {
  After([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    given_up_ = true;
    outcome_.stopped = stopped;
    for (const Named& named : named_) {
      if (named.left > 0) outcome_.missing.push_back(named.name);
    }
  });
}

void Until::DeliveryEnded(const Listener& listener, DeliveryOutcome::Kind how,
                          std::string_view what) noexcept {
  const std::string_view name = listener.name();
  After([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = std::find_if(named_.begin(), named_.end(),
                                    [&](const Named& named) { return named.name == name; });
    if (found == named_.end()) return;
    --found->left;
    outcome_.deliveries.push_back({listener.id(), found->name, how, std::string(what)});
  });
}

void Until::PublishEnded(PublishResult result) noexcept {
  After([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    published_ = true;
    outcome_.result = result;
    if (!result.ok()) effects_ = publisher_;
    for (Named& named : named_) {
      if (result.ok() && named.left > 0) {
        outcome_.deliveries.push_back({0, named.name, DeliveryOutcome::Kind::kCancelled,
                                       "the listener was reset before the publish"});
      }
      named.left = 0;
    }
  });
}

bool Until::Complete() const {
  return given_up_ || (published_ && std::all_of(named_.begin(), named_.end(),
                                                 [](const Named& n) { return n.left <= 0; }));
}

template <class Change>
void Until::After(Change change) {
  UntilOutcome outcome;
  AmbientContext context;
  {
    const sync::Lock lock(mutex_);
    if (over_) return;
    change();
    if (!Complete()) return;
    over_ = true;
    outcome = std::move(outcome_);
    context = effects_;
  }
  limit_.End();
  told_.FinishIn(context, std::move(outcome));
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return text;
}

}  // namespace

bool UntilOutcome::ok() const {
  return result.ok() && unknown.empty() && missing.empty() &&
         std::all_of(deliveries.begin(), deliveries.end(), [](const DeliveryOutcome& delivery) {
           return delivery.kind == DeliveryOutcome::Kind::kHandled;
         });
}

absl::Status UntilOutcome::status() const {
  if (!result.ok()) return result.status();
  if (!unknown.empty()) {
    return absl::NotFoundError("nobody of that name listens to it: " + Listed(unknown));
  }
  if (!missing.empty() && stopped) {
    return absl::CancelledError("not waited for any more: " + Listed(missing));
  }
  if (!missing.empty()) {
    return absl::DeadlineExceededError("not handled in time: " + Listed(missing));
  }
  for (const DeliveryOutcome& delivery : deliveries) {
    if (delivery.kind == DeliveryOutcome::Kind::kHandled) continue;
    return absl::AbortedError("not handled by \"" + delivery.name + "\"" +
                              (delivery.what.empty() ? "" : ": " + delivery.what));
  }
  return absl::OkStatus();
}

Completion<UntilOutcome> PublishUntilErased(const Publisher& publisher, EventType type,
                                            EventHandle event, std::vector<std::string> listeners,
                                            UntilOptions options) {
  return std::make_shared<Until>(CoreAccess::Of(publisher))
      ->Publish(type, event, std::move(listeners), std::move(options));
}

}  // namespace belfry
