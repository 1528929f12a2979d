#include "dispatch/schedule.h"

#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "dispatch/catching.h"
#include "dispatch/dispatcher_core.h"

namespace belfry {

// --- The public handle ---

bool Scheduled::pending() const { return event_ != nullptr && event_->pending(); }
bool Scheduled::Cancel() const { return event_ != nullptr && event_->Cancel(); }

// --- One of them ---

ScheduledEvent::ScheduledEvent(std::shared_ptr<DispatcherCore> core,
                               std::unique_ptr<HeldEvent> event, PublishOptions options,
                               AmbientContext context)
    : core_(std::move(core)),
      event_(std::move(event)),
      options_(std::move(options)),
      context_(std::move(context)) {}

void ScheduledEvent::Arm(Nanoseconds delay) {
  const TimerId timer = core_->timers()->RunAfter(delay, [weak = weak_from_this()] {
    if (const auto event = weak.lock()) event->Due();
  });
  core_->schedule().SetTimer(*this, timer);
}

bool ScheduledEvent::pending() const { return !core_->forked() && core_->schedule().Waits(*this); }

bool ScheduledEvent::Cancel() {
  if (core_->forked()) return false;
  const std::optional<TimerId> timer = core_->schedule().Cancel(*this);
  if (!timer.has_value()) return false;
  core_->timers()->Cancel(*timer);
  event_.reset();
  return true;
}

// A thread that sends one on its way, or publishes it.
struct ScheduledEvent::Busy {
  ~Busy() {
    core.schedule().Left();
    core.TellQuiet();
  }
  DispatcherCore& core;
};

// Who calls back may have better things to do than to run listeners, and must not wait for room.
void ScheduledEvent::Due() {
  if (core_->forked() || !core_->schedule().Send(*this)) return;
  const Busy busy{*core_};  // the executor stays until it has it
  self_ = shared_from_this();
  if (Executor* const executor = core_->executor_if_any()) {
    executor->Post(*this);
  } else {
    Run();
  }
}

void ScheduledEvent::Run() {
  const std::shared_ptr<ScheduledEvent> self = std::move(self_);
  if (!core_->schedule().Start(*this)) return;
  const Busy busy{*core_};
  Catching([this] { Publish(); }, [this](std::string_view what) { Fail(what); }, [] {});
}

void ScheduledEvent::Publish() {
  using Code = PublishResult::Code;
  const AmbientScope scope(context_);
  PublishResult result;
  try {
    result = core_->Publish(event_->type(), event_->handle(), options_);
  } catch (const std::bad_alloc&) {
    result = PublishResult(Code::kOutOfMemory, 0);
  }
  const bool no_room = result.code() == Code::kQueueFull || result.code() == Code::kWouldDeadlock ||
                       result.code() == Code::kOutOfMemory;
  if (no_room && TryAgain()) return;
  event_.reset();
  if (no_room || result.code() == Code::kClosed) core_->schedule().CountUnpublished();
}

// Whether it waits, or somebody else has taken it meanwhile.
bool ScheduledEvent::TryAgain() {
  if (!core_->schedule().Enter(*this)) return false;
  try {
    Arm(backoff_.Next());
    return true;
  } catch (const std::bad_alloc&) {
  } catch (const std::system_error&) {
  }
  return !core_->schedule().Cancel(*this).has_value();
}

void ScheduledEvent::Fail(std::string_view what) {
  try {
    core_->telling().Log(LogLevel::kError, "a delayed publish of " +
                                               std::string(event_->type().name()) +
                                               " failed: " + std::string(what));
  } catch (const std::bad_alloc&) {
    core_->telling().Log(LogLevel::kError, "a delayed publish failed");
  }
  event_.reset();
}

// --- All of them ---

Scheduled Schedule::Add(DispatcherCore& core, Nanoseconds delay, std::unique_ptr<HeldEvent> event,
                        PublishOptions options) {
  using Code = PublishResult::Code;
  if (core.forked()) return Scheduled(PublishResult(Code::kForked, 0));
  if (core.timers() == nullptr) return Scheduled(PublishResult(Code::kNoTimers, 0));
  AmbientContext context = AmbientContext::Current();
  if (!options.baggage.empty() && !context.Carry(std::exchange(options.baggage, {}))) {
    return Scheduled(PublishResult(Code::kTooMuchBaggage, 0));
  }
  const auto added = std::make_shared<ScheduledEvent>(core.shared_from_this(), std::move(event),
                                                      std::move(options), std::move(context));
  if (core.closed() || !Enter(*added)) return Scheduled(PublishResult(Code::kClosed, 0));
  try {
    added->Arm(delay);
  } catch (...) {
    Cancel(*added);
    throw;
  }
  return Scheduled(added);
}

bool Schedule::Enter(ScheduledEvent& event) {
  const sync::Lock lock(mutex_);
  if (closed_) return false;
  event.timer_ = {};
  event.held_ = event.shared_from_this();
  event.due_ = false;
  waiting_.PushBack(event);
  ++count_;
  return true;
}

void Schedule::SetTimer(ScheduledEvent& event, TimerId timer) {
  const sync::Lock lock(mutex_);
  event.timer_ = timer;
}

// Whoever gets it lets go of it under no lock.
std::shared_ptr<ScheduledEvent> Schedule::Remove(ScheduledEvent& event) {
  if (event.held_ == nullptr || event.due_) return nullptr;
  waiting_.Remove(event);
  --count_;
  return std::move(event.held_);
}

std::optional<TimerId> Schedule::Cancel(ScheduledEvent& event) {
  std::shared_ptr<ScheduledEvent> held;
  const sync::Lock lock(mutex_);
  held = Remove(event);
  if (held == nullptr) return std::nullopt;
  return event.timer_;
}

bool Schedule::Send(ScheduledEvent& event) {
  const sync::Lock lock(mutex_);
  std::shared_ptr<ScheduledEvent> held = Remove(event);
  if (held == nullptr) return false;
  event.held_ = std::move(held);
  event.due_ = true;
  on_the_way_.PushBack(event);
  ++busy_;
  return true;
}

bool Schedule::Start(ScheduledEvent& event) {
  const sync::Lock lock(mutex_);
  if (event.held_ == nullptr) return false;
  on_the_way_.Remove(event);
  event.held_ = nullptr;  // the caller's keeps it
  ++busy_;
  return true;
}

void Schedule::Left() {
  const sync::Lock lock(mutex_);
  --busy_;
}

bool Schedule::Waits(const ScheduledEvent& event) const {
  const sync::Lock lock(mutex_);
  return event.held_ != nullptr && !event.due_;
}

void Schedule::CountUnpublished() {
  const sync::Lock lock(mutex_);
  ++unpublished_;
}

std::uint64_t Schedule::unpublished() const {
  const sync::Lock lock(mutex_);
  return unpublished_;
}

void Schedule::Close(Timers* timers) {
  for (;;) {
    std::shared_ptr<ScheduledEvent> event;
    TimerId timer;
    {
      const sync::Lock lock(mutex_);
      closed_ = true;
      if (waiting_.empty() && on_the_way_.empty()) return;
      ++unpublished_;
      if (waiting_.empty()) {
        event = std::move(on_the_way_.PopFront()->held_);
      } else {
        event = Remove(*waiting_.first());
        timer = event->timer_;
      }
    }
    if (timer) timers->Cancel(timer);
    event->event_.reset();
  }
}

std::uint64_t Schedule::waiting() const {
  const sync::Lock lock(mutex_);
  return count_;
}

bool Schedule::idle() const {
  const sync::Lock lock(mutex_);
  return on_the_way_.empty() && busy_ == 0;
}

}  // namespace belfry
