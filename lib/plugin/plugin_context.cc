#include "plugin/plugin_context.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

#include "plugin/border.h"
#include "plugin/plugin_call.h"

namespace belfry {

LivePluginListener::LivePluginListener(PluginContext& plugin) : plugin_(plugin) {
  const sync::Lock lock(plugin_.mutex_);
  ++plugin_.live_;
}

LivePluginListener::~LivePluginListener() {
  const sync::Lock lock(plugin_.mutex_);
  --plugin_.live_;
  plugin_.changed_.NotifyAll();
}

namespace {

absl::Status Invalid(const std::string& what) { return absl::InvalidArgumentError(what); }

}  // namespace

PluginContext::PluginContext(Dispatcher& dispatcher, const ExposedEvents& exposed,
                             const PluginHostOptions& options, int crash_descriptor,
                             const PluginNote& note)
    : dispatcher_(dispatcher),
      options_(options),
      note_(note),
      account_(dispatcher, options, crash_descriptor, note),
      types_(exposed),
      table_(HostTable(context_)) {}

void PluginContext::Enter(Phase phase) {
  const sync::Lock lock(mutex_);
  phase_.store(phase, std::memory_order_release);
}

absl::Status PluginContext::Disable() {
  bool quiet = !account_.IsInside();
  {
    const sync::Lock lock(mutex_);
    phase_.store(Phase::kDisabling, std::memory_order_release);
  }
  if (quiet && options_.disable_limit > Nanoseconds::zero()) {
    if (absl::Status ended = AwaitNothingRuns(); !ended.ok()) {
      Enter(Phase::kDisabled);
      return ended;
    }
  }
  std::vector<Subscription> ended;
  {
    const sync::Lock lock(mutex_);
    ended.reserve(entries_.size());
    for (auto& [id, entry] : entries_) ended.push_back(std::move(entry.subscription));
  }
  for (; !ended.empty(); ended.pop_back()) {
    if (ended.back().Reset() != ResetResult::kDone) quiet = false;
  }
  if (!quiet) {
    Enter(Phase::kDisabled);
    return absl::AbortedError(
        "it is disabled, but one of its listeners is still running, which the caller is inside of, "
        "or waits for: call again from outside");
  }
  const sync::Lock lock(mutex_);
  AwaitQuiet();
  phase_.store(Phase::kDisabled, std::memory_order_release);
  return absl::OkStatus();
}

// Whether it was disabled without an end of all that ran.
bool PluginContext::IsLeftBehind() {
  const sync::Lock lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
    return static_cast<bool>(entry.second.subscription);
  });
}

// A wait for what never ends must have an end: so it is not the subscriptions that wait.
absl::Status PluginContext::AwaitNothingRuns() {
  const SteadyTime until = TimeAfter(Clock::Real().Now(), options_.disable_limit);
  {
    const sync::Lock lock(mutex_);
    for (auto& [id, entry] : entries_) entry.subscription.Mute();
  }
  while (true) {
    const std::vector<std::string> running = account_.RunningListeners();
    if (running.empty()) return absl::OkStatus();
    const SteadyTime now = Clock::Real().Now();
    if (now >= until) {
      std::string names;
      for (const std::string& name : running) names += (names.empty() ? "" : ", ") + name;
      return absl::DeadlineExceededError("it is disabled, but " + names + " has not ended within " +
                                         InSeconds(options_.disable_limit));
    }
    const sync::Lock lock(mutex_);
    changed_.WaitUntil(mutex_, std::min(until, now + std::chrono::milliseconds(1)));
  }
}

absl::Status PluginContext::CheckStarted() const {
  if (phase_.load(std::memory_order_acquire) != Phase::kEnded) return absl::OkStatus();
  return absl::FailedPreconditionError("the plugin " + note_.id + " is not started");
}

absl::Status PluginContext::Enable() {
  if (IsLeftBehind()) {
    if (absl::Status disabled = Disable(); !disabled.ok()) return disabled;
  }
  ListenersById listeners = Run();
  absl::Status first;
  for (const auto& [id, listener] : listeners) {
    Subscription nobodys;
    first.Update(Attach(id, listener, nobodys));
  }
  listeners.clear();
  if (!first.ok()) Disable().IgnoreError();
  return first;
}

void PluginContext::ReleaseListeners() {
  std::map<std::uint64_t, Entry> released;
  {
    const sync::Lock lock(mutex_);
    released.swap(entries_);
  }
  // The latest first.
  while (!released.empty()) released.erase(std::prev(released.end()));
  const sync::Lock lock(mutex_);
  AwaitQuiet();
}

// No listener runs that is not in the table any more, and none is on its way into the dispatcher.
void PluginContext::AwaitQuiet() {
  while (attaching_ > 0 || live_ > entries_.size()) changed_.Wait(mutex_);
}

absl::Status PluginContext::Publish(const belfry_event_type* type, std::uint32_t form,
                                    const void* data, std::size_t size) {
  const Phase phase = phase_.load(std::memory_order_acquire);
  if (phase == Phase::kEnded || phase == Phase::kDisabled) {
    return absl::FailedPreconditionError("the plugin " + note_.id + " is " +
                                         (phase == Phase::kDisabled ? "disabled" : "not started"));
  }
  if (type == nullptr || data == nullptr) return Invalid("no event type, or no event");
  const PluginBridge& bridge = *type->bridge;
  const std::string& name = bridge.name;
  if (!Says(note_.publishes, name)) {
    return absl::PermissionDeniedError("the plugin's note does not say that it publishes " + name +
                                       ": add BELFRY_PUBLISHES");
  }
  const HostCallScope scope;
  absl::Status status;
  if (form == BELFRY_JSON) {
    status =
        bridge.publish_json(dispatcher_, std::string_view(static_cast<const char*>(data), size));
  } else if (form != BELFRY_VIEW && form != BELFRY_OBJECT) {
    return Invalid("form " + std::to_string(form) +
                   "; there are 1 (JSON), 2 (view) and 4 (C++ object)");
  } else if (form != type->direct) {
    return absl::FailedPreconditionError(name + " was described without " +
                                         (form == BELFRY_VIEW
                                              ? "fields, so it crosses as no view"
                                              : "a C++ ABI, so it crosses as no object"));
  } else if (size != bridge.type.size()) {
    return Invalid(name + " of " + std::to_string(size) + " bytes, the host's has " +
                   std::to_string(bridge.type.size()));
  } else {
    status = (form == BELFRY_VIEW ? bridge.publish_view : bridge.publish_object)(dispatcher_, data);
  }
  if (status.ok()) account_.counts().published.fetch_add(1, std::memory_order_relaxed);
  return status;
}

bool PluginContext::Says(const std::vector<PluginNote::Event>& events,
                         std::string_view name) const {
  return std::any_of(events.begin(), events.end(),
                     [&](const PluginNote::Event& event) { return event.name == name; });
}

}  // namespace belfry
