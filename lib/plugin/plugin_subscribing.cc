// How listeners of a plugin's come and go.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "plugin/border.h"
#include "plugin/plugin_context.h"

namespace belfry {

absl::Status PluginContext::Subscribe(const belfry_listener* listener, std::uint64_t* id) {
  if (listener == nullptr) return absl::InvalidArgumentError("no listener");
  if (absl::Status sound = CheckListener(*listener); !sound.ok()) return sound;
  const auto accepted = std::make_shared<PluginListener>(
      note_.id + "." + std::string(ViewOf(listener->name)), *listener, *this, counts_);
  const absl::StatusOr<std::uint64_t> added = AddEntry(accepted);
  if (!added.ok()) return added.status();
  if (absl::Status attached = Attach(*added, accepted); !attached.ok()) {
    accepted->Refuse();
    Unsubscribe(*added).IgnoreError();
    return attached;
  }
  if (id != nullptr) *id = *added;
  return absl::OkStatus();
}

absl::Status PluginContext::CheckListener(const belfry_listener& listener) const {
  using absl::InvalidArgumentError;
  if (!BELFRY_HAS(belfry_listener, &listener, released)) {
    return TooSmall("a listener", listener.size, sizeof(belfry_listener));
  }
  const std::string_view name = ViewOf(listener.name);
  if (name.empty() || name.size() > kPluginNameMax) {
    return InvalidArgumentError("a listener's name has 1 to " + std::to_string(kPluginNameMax) +
                                " bytes, not " + std::to_string(name.size()));
  }
  const std::string who = "listener " + std::string(name) + ": ";
  if (listener.type == nullptr || listener.on_event == nullptr) {
    return InvalidArgumentError(who + "it has no event type, or no on_event");
  }
  if (listener.run != BELFRY_QUEUED && listener.run != BELFRY_INLINE) {
    return InvalidArgumentError(who + "run " + std::to_string(listener.run) +
                                "; there are 0 (queued) and 1 (inline)");
  }
  const bool reads_view = listener.type->as_view && (listener.forms & BELFRY_VIEW) != 0;
  if (!reads_view && (listener.forms & BELFRY_JSON) == 0) {
    return absl::FailedPreconditionError(who +
                                         "it reads neither JSON nor what was described with "
                                         "fields: set forms");
  }
  const std::string_view event = listener.type->bridge->type.name();
  if (!Says(note_.listens, event)) {
    return absl::PermissionDeniedError(who + "the plugin's note does not say that it listens to " +
                                       std::string(event) + ": add BELFRY_LISTENS");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> PluginContext::AddEntry(
    const std::shared_ptr<PluginListener>& listener) {
  const sync::Lock lock(mutex_);
  if (phase_.load(std::memory_order_relaxed) != Phase::kRunning) {
    return absl::FailedPreconditionError("the plugin " + note_.id + " is not running");
  }
  for (const auto& [id, entry] : entries_) {
    if (entry.listener->name() == listener->name()) {
      return absl::AlreadyExistsError("the plugin has a listener " + listener->name() + " already");
    }
  }
  Entry& entry = entries_[++last_id_];
  entry.listener = listener;
  entry.attaching = true;
  ++attaching_;
  listener->Accept();
  return last_id_;
}

// Subscribes what has an entry with `attaching`. Whoever disables the plugin meanwhile waits for
// the end of this; whoever enables it again leaves the entry to this.
absl::Status PluginContext::Attach(std::uint64_t id,
                                   const std::shared_ptr<PluginListener>& listener) {
  while (true) {
    absl::Status status;
    Subscription subscription;
    Catching([&] { status.Update((subscription = SubscribeNow(listener)).status()); },
             [&](const Thrown& thrown) {
               status = absl::ResourceExhaustedError(
                   absl::string_view(thrown.what.data(), thrown.what.size()));
             },
             [] {});
    {
      const sync::Lock lock(mutex_);
      const auto entry = entries_.find(id);
      const bool wanted = entry != entries_.end() && status.ok() &&
                          phase_.load(std::memory_order_relaxed) == Phase::kRunning;
      if (wanted || !status.ok()) {
        if (wanted) entry->second.subscription = std::move(subscription);
        FinishAttaching(id);
        return status;
      }
    }
    subscription.Reset();
    const sync::Lock lock(mutex_);
    const bool wanted_again = entries_.find(id) != entries_.end() &&
                              phase_.load(std::memory_order_relaxed) == Phase::kRunning;
    if (wanted_again) continue;
    FinishAttaching(id);
    return status;
  }
}

void PluginContext::FinishAttaching(std::uint64_t id) {
  const auto entry = entries_.find(id);
  if (entry != entries_.end()) entry->second.attaching = false;
  --attaching_;
  changed_.NotifyAll();
}

Subscription PluginContext::SubscribeNow(const std::shared_ptr<PluginListener>& listener) {
  ListenerOptions options;
  options.name = listener->name();
  options.run = listener->run();
  return listener->type().bridge->subscribe(
      dispatcher_, [listener](const void* event) { return listener->Deliver(event); },
      std::move(options));
}

absl::Status PluginContext::Unsubscribe(std::uint64_t id) {
  Entry ended;
  {
    const sync::Lock lock(mutex_);
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) {
      return absl::NotFoundError("there is no subscription " + std::to_string(id));
    }
    ended = std::move(entry->second);
    entries_.erase(entry);
  }
  if (ended.subscription.Reset() == ResetResult::kWouldDeadlock) {
    return absl::AbortedError(
        "its listener waits for one that this thread is in: it has ended, but "
        "was not waited for");
  }
  return absl::OkStatus();
}

}  // namespace belfry
