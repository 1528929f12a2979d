// How listeners of a plugin's come and go.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "plugin/border.h"
#include "plugin/plugin_context.h"
#include "plugin/plugin_timer.h"

namespace belfry {
namespace {

absl::Status CheckName(const std::string& what, belfry_text name) {
  if (name.size > 0 && name.size <= kPluginNameMax && name.data != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(what + "'s name has 1 to " + std::to_string(kPluginNameMax) +
                                    " bytes, not " + std::to_string(ViewOf(name).size()));
}

}  // namespace

absl::Status PluginContext::Subscribe(const belfry_listener* listener, std::uint64_t* id) {
  if (listener == nullptr) return absl::InvalidArgumentError("no listener");
  if (absl::Status sound = CheckListener(*listener); !sound.ok()) return sound;
  return AddListener(*listener, id, nullptr);
}

absl::Status PluginContext::StartTimer(const belfry_timer* timer, std::uint64_t* id) {
  if (timer == nullptr) return absl::InvalidArgumentError("no timer");
  if (!BELFRY_HAS(belfry_timer, timer, released)) {
    return TooSmall("a timer", timer->size, sizeof(belfry_timer));
  }
  if (absl::Status named = CheckName("a timer", timer->name); !named.ok()) return named;
  if (timer->on_time == nullptr) {
    return absl::InvalidArgumentError("timer " + std::string(ViewOf(timer->name)) +
                                      ": it has no on_time");
  }
  if (dispatcher_.timers() == nullptr) {
    return absl::UnavailableError(
        "nobody calls back: the dispatcher is synchronous, and has no timers");
  }
  auto made = std::make_unique<PluginTimer>(
      note_.id, *timer, [this](std::uint64_t ended) { Unsubscribe(ended).IgnoreError(); });
  absl::Status added =
      AddListener(made->Listener(), id, [&](std::uint64_t named) { made->Name(named); });
  // The listener's, which destroys it, or has.
  if (added.ok()) static_cast<void>(made.release());
  return added;
}

absl::Status PluginContext::AddListener(const belfry_listener& listener, std::uint64_t* id,
                                        const Named& named) {
  const auto accepted = std::make_shared<PluginListener>(
      note_.id + "." + std::string(ViewOf(listener.name)), listener, *this);
  const absl::StatusOr<Added> added = AddEntry(accepted, named);
  if (!added.ok()) return added.status();
  Subscription nobodys;
  absl::Status attached =
      added->attaching ? Attach(added->id, accepted, nobodys) : absl::OkStatus();
  if (!attached.ok()) {
    accepted->Refuse();
    Unsubscribe(added->id).IgnoreError();
    return attached;
  }
  if (id != nullptr) *id = added->id;
  return absl::OkStatus();
}

absl::Status PluginContext::CheckListener(const belfry_listener& listener) const {
  using absl::InvalidArgumentError;
  if (!BELFRY_HAS(belfry_listener, &listener, released)) {
    return TooSmall("a listener", listener.size, sizeof(belfry_listener));
  }
  if (absl::Status named = CheckName("a listener", listener.name); !named.ok()) return named;
  const std::string who = "listener " + std::string(ViewOf(listener.name)) + ": ";
  if (listener.type == nullptr || listener.on_event == nullptr) {
    return InvalidArgumentError(who + "it has no event type, or no on_event");
  }
  if (listener.run != BELFRY_QUEUED && listener.run != BELFRY_INLINE) {
    return InvalidArgumentError(who + "run " + std::to_string(listener.run) +
                                "; there are 0 (queued) and 1 (inline)");
  }
  if ((listener.forms & (listener.type->direct | BELFRY_JSON)) == 0) {
    return absl::FailedPreconditionError(who +
                                         "it reads neither JSON nor the form that was described: "
                                         "set forms");
  }
  const std::string& event = listener.type->bridge->name;
  if (!note_.listens_to_any && !Says(note_.listens, event)) {
    return absl::PermissionDeniedError(who + "the plugin's note does not say that it listens to " +
                                       event + ": add BELFRY_LISTENS");
  }
  return absl::OkStatus();
}

absl::StatusOr<PluginContext::Added> PluginContext::AddEntry(
    const std::shared_ptr<PluginListener>& listener, const Named& named) {
  const sync::Lock lock(mutex_);
  const Phase phase = phase_.load(std::memory_order_relaxed);
  if (phase != Phase::kRunning && phase != Phase::kStarting) {
    return absl::FailedPreconditionError("the plugin " + note_.id + " is not running");
  }
  for (const auto& [id, entry] : entries_) {
    if (entry.listener->name() == listener->name()) {
      return absl::AlreadyExistsError("the plugin has a listener " + listener->name() + " already");
    }
  }
  Entry& entry = entries_[++last_id_];
  entry.listener = listener;
  entry.attaching = phase == Phase::kRunning;
  if (entry.attaching) ++attaching_;
  listener->Accept();
  if (named) named(last_id_);
  return Added{last_id_, entry.attaching};
}

PluginContext::ListenersById PluginContext::Run() {
  ListenersById listeners;
  const sync::Lock lock(mutex_);
  phase_.store(Phase::kRunning, std::memory_order_release);
  for (auto& [id, entry] : entries_) {
    if (entry.attaching || entry.subscription) continue;
    entry.attaching = true;
    ++attaching_;
    listeners.emplace_back(id, entry.listener);
  }
  return listeners;
}

absl::Status PluginContext::TakeOver(PluginContext& former) {
  former.Enter(Phase::kDisabling);  // nothing is subscribed behind our back
  absl::Status failed;
  absl::Status aborted;
  for (const auto& [id, listener] : Run()) {
    Place place = former.GiveUp(*listener);
    const absl::Status attached = Attach(id, listener, place.subscription);
    (absl::IsAborted(attached) ? aborted : failed).Update(attached);
    former.TakeBack(std::move(place));
  }
  return failed.ok() ? aborted : failed;
}

PluginContext::Place PluginContext::GiveUp(const PluginListener& successor) {
  const sync::Lock lock(mutex_);
  while (attaching_ > 0) changed_.Wait(mutex_);
  for (auto& [id, entry] : entries_) {
    const PluginListener& listener = *entry.listener;
    if (listener.name() != successor.name() || listener.run() != successor.run() ||
        listener.type().bridge != successor.type().bridge) {
      continue;
    }
    entry.attaching = true;
    ++attaching_;
    return {id, std::move(entry.subscription)};
  }
  return {};
}

void PluginContext::TakeBack(Place place) {
  if (place.id == 0) return;
  const sync::Lock lock(mutex_);
  const auto entry = entries_.find(place.id);
  if (entry != entries_.end()) entry->second.subscription = std::move(place.subscription);
  FinishAttaching(place.id);
}

// Subscribes what has an entry with `attaching`. Whoever disables the plugin meanwhile waits for
// the end of this; whoever enables it again leaves the entry to this.
absl::Status PluginContext::Attach(std::uint64_t id,
                                   const std::shared_ptr<PluginListener>& listener,
                                   Subscription& place) {
  while (true) {
    absl::Status status;
    Catching([&] { status = SubscribeNow(listener, place); },
             [&](const Thrown& thrown) {
               status = absl::ResourceExhaustedError(
                   absl::string_view(thrown.what.data(), thrown.what.size()));
             },
             [] {});
    const bool attached = status.ok() || absl::IsAborted(status);
    {
      const sync::Lock lock(mutex_);
      const auto entry = entries_.find(id);
      const bool wanted =
          entry != entries_.end() && phase_.load(std::memory_order_relaxed) == Phase::kRunning;
      if (wanted || !attached) {
        if (attached) entry->second.subscription = std::move(place);
        FinishAttaching(id);
        return status;
      }
    }
    place.Reset();
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

absl::Status PluginContext::SubscribeNow(const std::shared_ptr<PluginListener>& listener,
                                         Subscription& place) {
  const PluginBridge& bridge = *listener->type().bridge;
  PluginBridge::Deliver deliver = [listener](const void* event) {
    return listener->Deliver(event);
  };
  if (!place) {
    ListenerOptions options;
    if (options_.listener_options) options = options_.listener_options(listener->name());
    options.name = listener->name();
    options.run = listener->run();
    options.concurrency = 1;  // as belfry/plugin.h says
    place = bridge.subscribe(dispatcher_, std::move(deliver), std::move(options));
    return place.status();
  }
  switch (bridge.replace(place, std::move(deliver))) {
    case ReplaceResult::kDone:
      return absl::OkStatus();
    case ReplaceResult::kClosed:
      return absl::FailedPreconditionError("the dispatcher is closed");
    case ReplaceResult::kDeferred:
    case ReplaceResult::kWouldDeadlock:
      break;
  }
  return absl::AbortedError("the former listener " + listener->name() +
                            " is still running, which the caller is inside of, or waits for");
}

absl::Status PluginContext::Unsubscribe(std::uint64_t id) {
  Entry ended;
  {
    const sync::Lock lock(mutex_);
    // Inside of a listener that would be a wait for itself.
    const bool waits = !account_.IsInside();
    auto entry = entries_.find(id);
    while (waits && entry != entries_.end() && entry->second.attaching) {
      changed_.Wait(mutex_);
      entry = entries_.find(id);
    }
    if (entry == entries_.end()) {
      return absl::NotFoundError("there is no subscription " + std::to_string(id));
    }
    ended = std::move(entry->second);
    entries_.erase(entry);
  }
  if (ended.subscription.Reset() == ResetResult::kWouldDeadlock || ended.attaching) {
    return absl::AbortedError(
        "its listener waits for one that this thread is in: it has ended, but "
        "was not waited for");
  }
  return absl::OkStatus();
}

}  // namespace belfry
