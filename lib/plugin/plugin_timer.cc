#include "plugin/plugin_timer.h"

#include <limits>
#include <memory>
#include <utility>

#include "belfry/dispatcher.h"
#include "belfry/scheduled.h"
#include "plugin/border.h"

namespace belfry {
namespace {

sync::Atomic<std::uint64_t> last_number{0};

Nanoseconds ToNanoseconds(std::uint64_t count) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return Nanoseconds(static_cast<std::int64_t>(count < kMax ? count : kMax));
}

}  // namespace

// Publishes what is due, while it is there.
class PluginTimer::Alarm {
 public:
  Alarm(Dispatcher& dispatcher, PluginTimeDue due)
      : dispatcher_(dispatcher), due_(std::move(due)) {}
  ~Alarm() { next_.Cancel(); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  absl::Status Set(Nanoseconds delay) {
    const sync::Lock lock(mutex_);
    next_ = dispatcher_.PublishAfter(delay, due_);
    return next_.result().status();
  }

 private:
  Dispatcher& dispatcher_;
  const PluginTimeDue due_;
  sync::Mutex mutex_;
  Scheduled next_;
};

PluginTimer::PluginTimer(const std::string& plugin, const belfry_timer& timer,
                         std::function<void(std::uint64_t id)> ended)
    : timer_(timer),
      name_(ViewOf(timer.name)),
      due_{plugin, name_, last_number.fetch_add(1, std::memory_order_relaxed) + 1},
      ended_(std::move(ended)),
      bridge_(EventTypeOf<PluginTimeDue>()),
      type_{&bridge_, BELFRY_VIEW} {
  bridge_.subscribe = [this](Dispatcher& dispatcher, PluginBridge::Deliver deliver,
                             ListenerOptions options) {
    return Subscribe(dispatcher, std::move(deliver), std::move(options));
  };
}

belfry_listener PluginTimer::Listener() {
  belfry_listener listener{};
  listener.size = sizeof(listener);
  listener.name = TextOf(name_);
  listener.type = &type_;
  listener.forms = BELFRY_VIEW;
  listener.run = BELFRY_QUEUED;
  listener.user = this;
  listener.on_event = [](void* user, const belfry_event* /*event*/, belfry_error* error) {
    const belfry_timer& timer = static_cast<PluginTimer*>(user)->timer_;
    return timer.on_time(timer.user, error);
  };
  listener.released = [](void* user) {
    const std::unique_ptr<PluginTimer> self(static_cast<PluginTimer*>(user));
    if (self->timer_.released != nullptr) self->timer_.released(self->timer_.user);
  };
  return listener;
}

// The alarm is the callable's, so it ends with the subscription.
Subscription PluginTimer::Subscribe(Dispatcher& dispatcher, PluginBridge::Deliver deliver,
                                    ListenerOptions options) const {
  const auto alarm = std::make_shared<Alarm>(dispatcher, due_);
  options.filter = [number = due_.number](const PluginTimeDue& due) {
    return due.number == number;
  };
  Subscription subscription = dispatcher.Subscribe<PluginTimeDue>(
      [this, alarm, deliver = std::move(deliver)](const PluginTimeDue& due) {
        absl::Status status = deliver(&due);
        if (timer_.period_ns == 0) {
          ended_(id_);
        } else {
          status.Update(alarm->Set(ToNanoseconds(timer_.period_ns)));
        }
        return status;
      },
      std::move(options));
  // If this is refused, the dispatcher has just been closed, and nothing will be due any more.
  if (subscription) alarm->Set(ToNanoseconds(timer_.delay_ns)).IgnoreError();
  return subscription;
}

}  // namespace belfry
