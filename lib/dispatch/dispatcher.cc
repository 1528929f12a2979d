#include "belfry/dispatcher.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"

#include "belfry/check.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/listener.h"
#include "dispatch/running_watch.h"
#include "dispatch/tracked_publish.h"
#include "dispatch/waiting_deliveries.h"

namespace belfry {

namespace {

// Whether a later attempt may end otherwise.
bool MayPass(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return true;
    default:
      return false;
  }
}

}  // namespace

Failure FailureOf(const absl::Status& status) {
  if (status.ok()) return {};
  return Failure::Because(status.ToString(), !MayPass(status.code()));
}

// --- Dispatcher ---

Dispatcher::Dispatcher(DispatcherOptions options)
    : Publisher(std::make_shared<DispatcherCore>(*this, std::move(options))) {
  core().Start();
}

Dispatcher::~Dispatcher() {
  if (core().forked()) {
    core().Abandon();
    return;
  }
  core().Destroy();
}

Subscription Dispatcher::AddListener(EventType type, CallableHandle callable,
                                     ListenerOptions& options, Site site,
                                     std::unique_ptr<const EventSelection> selection) {
  SubscribeError error;
  if (Listener* const listener =
          core().Subscribe(type, callable, options, site, error, std::move(selection))) {
    return Subscription(*listener);
  }
  core().telling().Log(LogLevel::kWarning, "a subscription was refused: " + error.what);
  return Subscription(std::move(error));
}

DeadLetters Dispatcher::dead_letters() const { return DeadLetters(shared_core()); }

DrainResult Dispatcher::Drain(std::optional<Nanoseconds> limit) { return core().Drain(limit); }

std::vector<StuckDelivery> Dispatcher::RunningDeliveries() const {
  return RunningWatch(core(), core().topics()).Running();
}

std::vector<WaitingDelivery> Dispatcher::WaitingDeliveries() const {
  return belfry::WaitingDeliveries(core().topics());
}

ShutdownReport Dispatcher::Shutdown(ShutdownMode mode, Nanoseconds deadline) {
  return core().Shutdown(mode, deadline);
}

bool Dispatcher::closed() const { return core().closed(); }

Stats Dispatcher::GetStats() const { return core().GetStats(); }

std::vector<std::string> Dispatcher::ListenerNames(EventType type) const {
  return core().ListenerNames(type);
}

Source Dispatcher::AddSource(std::string name, std::function<void()> stop, WaitsFor waits_for) {
  return Source(shared_core(),
                core().sources().Add(std::move(name), std::move(stop), std::move(waits_for)));
}

std::vector<std::string> Dispatcher::SourcesWaitFor() const { return core().sources().WaitFor(); }

Executor& Dispatcher::executor() const { return core().executor(); }

const Clock& Dispatcher::clock() const { return core().clock(); }

Timers* Dispatcher::timers() const { return core().timers(); }

// --- Publisher ---

PublishResult Publisher::PublishErased(EventType type, EventHandle handle) const {
  return core_->Publish(type, handle);
}

PublishResult Publisher::PublishErased(EventType type, EventHandle handle,
                                       PublishOptions options) const {
  return core_->Publish(type, handle, std::move(options));
}

Completion<PublishOutcome> Publisher::TrackErased(EventType type, EventHandle handle,
                                                  PublishOptions options) const {
  Completion<PublishOutcome> told;
  belfry::PublishTracked(*core_, type, handle, std::move(options),
                         std::make_unique<Outcomes>(told));
  return told;
}

bool Publisher::ForgetSticky(EventType type) const {
  return !core_->forked() && core_->topics().Of(type).SwapSticky(nullptr) != nullptr;
}

Nanoseconds Publisher::DelayUntil(WallTime time) const {
  const WallTime now = core_->clock().WallNow();
  return time <= now ? Nanoseconds::zero() : time - now;
}

Scheduled Publisher::ScheduleErased(Nanoseconds delay, std::unique_ptr<HeldEvent> event,
                                    PublishOptions options) const {
  return core_->schedule().Add(*core_, delay, std::move(event), std::move(options));
}

EventId Publisher::NewEventId() const { return core_->ids().Next(); }

// --- Source ---

Source::Source(std::shared_ptr<DispatcherCore> core, std::uint64_t id)
    : core_(std::move(core)), id_(id) {}

Source::Source(Source&& other) noexcept
    : core_(std::move(other.core_)), id_(std::exchange(other.id_, 0)) {}

Source& Source::operator=(Source&& other) noexcept {
  Source old(std::move(*this));
  core_ = std::move(other.core_);
  id_ = std::exchange(other.id_, 0);
  return *this;
}

Source::~Source() {
  if (core_ != nullptr && !core_->forked()) core_->sources().Remove(id_);
}

}  // namespace belfry
