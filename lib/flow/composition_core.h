// What a composition is behind its public face: its table, its time, and what it tells.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "belfry/clock.h"
#include "belfry/dispatcher.h"
#include "belfry/flow/composition.h"
#include "belfry/scheduled.h"
#include "belfry/timers.h"
#include "dispatch/rate_limit.h"
#include "flow/composition_table.h"
#include "sync/sync.h"

namespace belfry {

// Holds none of the user's callables: these belong to the listeners alone, and go with them.
//
// One timer is armed for all that is open. When it finds something whose time is over, it has a
// CompositionDue published, whose listener takes that out of the table: so a time-out is a
// delivery, and either it or the last part ends a composition. No other timer is armed meanwhile.
//
// Thread safety: any thread. No user code, timer or publish runs under its mutex.
class CompositionCore final : public std::enable_shared_from_this<CompositionCore> {
 public:
  CompositionCore(const Dispatcher& dispatcher, std::string name, const CompositionRules& rules,
                  std::vector<PartInfo> parts);

  const std::string& name() const { return name_; }
  std::uint64_t id() const { return id_; }
  const std::vector<PartInfo>& parts() const { return parts_; }
  const Publisher& publisher() const { return publisher_; }
  // What has come no more than those.
  MissingParts Missing(const std::vector<std::size_t>& got) const;
  MissingParts Missing(const HeldParts& got) const;

  // The time that a part comes at, if that matters.
  SteadyTime ArrivalTime() const;
  // Throws std::bad_alloc, with nothing changed.
  CompositionTable::Offered Offer(const PartArrival& arrival, std::unique_ptr<HeldPart>& part);
  std::optional<EndedComposition> GiveUp(const PartArrival& arrival);
  void Count(CompositionTable::Offered::Kind kind);
  void CountFailed();
  std::optional<CompositionTable::Due> TakeDue();
  // What was due is handled: it waits for what comes next.
  void DueHandled();

  void TellLate(const PartArrival& arrival, EventId event, CompositionEnd after);
  void TellEvicted(const EndedComposition& evicted);

  // No time-out comes any more.
  void Stop();
  // Lets go of all that is open.
  void Cancel();
  std::vector<OpenComposition> GetOpen(std::size_t max) const;
  CompositionStats GetStats() const;

 private:
  bool MustArm() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Arm(SteadyTime deadline);
  void OnTimer();
  void Disarmed();

  const std::string name_;
  const std::uint64_t id_;
  const CompositionRules rules_;
  const std::vector<PartInfo> parts_;
  const Publisher publisher_;
  const Clock& clock_;
  Timers* const timers_;
  RateLimit late_told_;
  RateLimit evicted_told_;

  mutable sync::Mutex mutex_;
  CompositionTable table_ ABSL_GUARDED_BY(mutex_);
  // A timer is armed, or what is due is on its way to be handled.
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  TimerId timer_ ABSL_GUARDED_BY(mutex_);
  Scheduled due_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
