#include "plugin/plugin_listener.h"

#include <utility>

#include "plugin/border.h"
#include "plugin/crash_handler.h"
#include "plugin/plugin_account.h"
#include "plugin/plugin_call.h"
#include "plugin/plugin_context.h"

namespace belfry {
namespace {

// Of so many calls of a listener one is timed: two looks at the clock cost more than the rest.
constexpr std::uint64_t kTimedEvery = 64;

}  // namespace

PluginListener::PluginListener(std::string name, const belfry_listener& listener,
                               PluginContext& plugin)
    : live_(plugin),
      name_(std::move(name)),
      listener_(listener),
      event_name_(listener.type->bridge->name),
      form_((listener.forms & listener.type->direct) != 0 ? listener.type->direct
                                                          : std::uint32_t{BELFRY_JSON}),
      same_{sizeof(belfry_event),
            TextOf(event_name_),
            type().bridge->schema_version,
            form_,
            nullptr,
            type().bridge->type.size()},
      account_(plugin.account()),
      calls_(account_.counts().delivered) {}

PluginListener::~PluginListener() {
  if (!accepted_ || listener_.released == nullptr) return;
  // What it throws ends here: nobody could do anything about it.
  CallPlugin([this](belfry_error*) {
    listener_.released(listener_.user);
    return BELFRY_OK;
  }).IgnoreError();
}

absl::Status PluginListener::Deliver(const void* event) {
  belfry_event crossing = same_;
  if (form_ == BELFRY_JSON) return DeliverJson(event, crossing);
  crossing.data = event;
  return DeliverCrossing(crossing);
}

absl::Status PluginListener::DeliverJson(const void* event, belfry_event& crossing) {
  const std::string json = type().bridge->write_json(event);
  crossing.data = json.data();
  crossing.data_size = json.size();
  return DeliverCrossing(crossing);
}

absl::Status PluginListener::DeliverCrossing(const belfry_event& event) {
  CircuitBreaker& breaker = account_.breaker();
  bool trial = false;
  if (!breaker.closed()) {
    if (absl::Status let = breaker.Begin(trial); !let.ok()) {
      account_.counts().refused.fetch_add(1, std::memory_order_relaxed);
      return let;
    }
  }
  absl::Status status = Call(event);
  if (!status.ok() || !breaker.closed()) account_.Tell(breaker.End(trial, status));
  return status;
}

absl::Status PluginListener::Call(const belfry_event& event) {
  const Clock& clock = account_.clock();
  const std::uint64_t before = run() == Run::kQueued ? calls_.AddAlone() : calls_.Add();
  const bool timed = before % kTimedEvery == 0;
  const SteadyTime began = timed ? clock.Now() : SteadyTime();
  absl::Status status;
  {
    if (account_.crash_descriptor() >= 0) PrepareThreadForCrashes();
    const PluginCallScope scope({&account_, name_.c_str(), event_name_.c_str()});
    status = CallPlugin(
        [&](belfry_error* error) { return listener_.on_event(listener_.user, &event, error); });
  }
  if (timed) {
    account_.counts().timed.fetch_add(1, std::memory_order_relaxed);
    account_.counts().timed_for.fetch_add((clock.Now() - began).count(), std::memory_order_relaxed);
  }
  if (!status.ok()) account_.counts().failed.fetch_add(1, std::memory_order_relaxed);
  return status;
}

}  // namespace belfry
