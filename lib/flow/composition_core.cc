#include "flow/composition_core.h"

#include <new>
#include <system_error>
#include <utility>

#include "belfry/flow/composition_events.h"
#include "belfry/flow_events.h"

namespace belfry {
namespace {

std::uint64_t NextId() {
  static sync::Atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

CompositionCore::CompositionCore(const Dispatcher& dispatcher, std::string name,
                                 const CompositionRules& rules, std::vector<PartInfo> parts)
    : name_(std::move(name)),
      id_(NextId()),
      rules_(rules),
      parts_(std::move(parts)),
      publisher_(dispatcher.publisher()),
      clock_(dispatcher.clock()),
      timers_(dispatcher.timers()),
      table_(rules) {}

// --- Parts ---------------------------------------------------------------------------------------

SteadyTime CompositionCore::ArrivalTime() const {
  return rules_.keeps_time() ? clock_.Now() : SteadyTime();
}

CompositionTable::Offered CompositionCore::Offer(const PartArrival& arrival,
                                                 std::unique_ptr<HeldPart>& part) {
  CompositionTable::Offered offered;
  std::optional<SteadyTime> arm;
  {
    const sync::Lock lock(mutex_);
    offered = table_.Offer(arrival, part);
    if (offered.opened && MustArm()) arm = table_.NextDeadline();
  }
  if (arm.has_value()) Arm(*arm);
  return offered;
}

std::optional<EndedComposition> CompositionCore::GiveUp(const PartArrival& arrival) {
  const sync::Lock lock(mutex_);
  return table_.GiveUp(arrival);
}

void CompositionCore::Count(CompositionTable::Offered::Kind kind) {
  const sync::Lock lock(mutex_);
  table_.Count(kind);
}

void CompositionCore::CountFailed() {
  const sync::Lock lock(mutex_);
  table_.CountFailed();
}

// --- Time ----------------------------------------------------------------------------------------

bool CompositionCore::MustArm() {
  if (stopped_ || armed_ || !table_.NextDeadline().has_value()) return false;
  armed_ = true;
  return true;
}

void CompositionCore::Arm(SteadyTime deadline) try {
  const TimerId timer = timers_->RunAfter(deadline - clock_.Now(), [weak = weak_from_this()] {
    if (const auto core = weak.lock()) core->OnTimer();
  });
  {
    const sync::Lock lock(mutex_);
    if (!stopped_) {
      timer_ = timer;
      return;
    }
  }
  timers_->Cancel(timer);
} catch (const std::bad_alloc&) {
  Disarmed();
} catch (const std::system_error&) {
  Disarmed();
}

// For want of memory: whoever opens the next one, or handles what is due, arms it again.
void CompositionCore::Disarmed() {
  const sync::Lock lock(mutex_);
  armed_ = false;
}

void CompositionCore::OnTimer() try {
  const SteadyTime now = clock_.Now();
  std::optional<SteadyTime> deadline;
  {
    const sync::Lock lock(mutex_);
    if (stopped_) return;
    deadline = table_.NextDeadline();
    if (!deadline.has_value()) {
      armed_ = false;
      return;
    }
  }
  if (*deadline > now) return Arm(*deadline);
  Scheduled due =
      publisher_.PublishAfter(Nanoseconds::zero(), CompositionDue{name_, id_}, {.cause = Cause{}});
  if (!due.result().ok()) return Disarmed();
  const sync::Lock lock(mutex_);
  std::swap(due_, due);  // the former one goes under no lock
} catch (const std::bad_alloc&) {
  Disarmed();
} catch (const std::system_error&) {
  Disarmed();
}

std::optional<CompositionTable::Due> CompositionCore::TakeDue() {
  const SteadyTime now = clock_.Now();
  const sync::Lock lock(mutex_);
  return table_.TakeDue(now);
}

void CompositionCore::DueHandled() {
  std::optional<SteadyTime> next;
  {
    const sync::Lock lock(mutex_);
    armed_ = false;
    if (MustArm()) next = table_.NextDeadline();
  }
  if (next.has_value()) Arm(*next);
}

void CompositionCore::Stop() {
  TimerId timer;
  Scheduled due;
  {
    const sync::Lock lock(mutex_);
    stopped_ = true;
    timer = std::exchange(timer_, {});
    due = std::exchange(due_, {});
  }
  if (timer) timers_->Cancel(timer);
  due.Cancel();
}

void CompositionCore::Cancel() {
  for (;;) {
    std::optional<EndedComposition> ended;  // goes under no lock
    const sync::Lock lock(mutex_);
    ended = table_.Cancel();
    if (!ended.has_value()) return;
  }
}

// --- What it tells -------------------------------------------------------------------------------

void CompositionCore::TellLate(const PartArrival& arrival, EventId event, CompositionEnd after) {
  const auto left_out = late_told_.Allow(clock_.Now());
  if (!left_out.has_value()) return;
  publisher_.Publish(CompositionLate{name_, ToString(arrival.key), parts_[arrival.index].name,
                                     event, after, *left_out});
}

void CompositionCore::TellEvicted(const EndedComposition& evicted) {
  const auto left_out = evicted_told_.Allow(clock_.Now());
  if (!left_out.has_value()) return;
  publisher_.Publish(CompositionEvicted{name_, ToString(evicted.key),
                                        GotParts(evicted.parts, parts_).names(),
                                        Missing(evicted.parts), *left_out});
}

MissingParts CompositionCore::Missing(const HeldParts& got) const {
  std::vector<std::size_t> indices;
  for (const HeldPart* part = got.first(); part != nullptr; part = HeldParts::After(*part)) {
    indices.push_back(part->index);
  }
  return Missing(indices);
}

MissingParts CompositionCore::Missing(const std::vector<std::size_t>& got) const {
  MissingParts missing;
  if (rules_.shape == CompositionShape::kQuiet) return missing;
  if (rules_.shape == CompositionShape::kCount) {
    missing.push_back(std::to_string(rules_.needed - got.size()) + " " + parts_.front().name);
    return missing;
  }
  std::vector<bool> has(parts_.size());
  for (const std::size_t index : got) has[index] = true;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!has[i]) missing.push_back(parts_[i].name);
  }
  return missing;
}

std::vector<OpenComposition> CompositionCore::GetOpen(std::size_t max) const {
  std::vector<CompositionTable::Open> entries;
  {
    const sync::Lock lock(mutex_);
    entries = table_.GetOpen(max);
  }
  std::vector<OpenComposition> all;
  all.reserve(entries.size());
  for (const CompositionTable::Open& entry : entries) {
    OpenComposition open{name_, ToString(entry.key), {}, Missing(entry.got), entry.until};
    for (const std::size_t index : entry.got) open.got.push_back(parts_[index].name);
    all.push_back(std::move(open));
  }
  return all;
}

CompositionStats CompositionCore::GetStats() const {
  const sync::Lock lock(mutex_);
  return table_.stats();
}

}  // namespace belfry
