#include "flow/composition_table.h"

#include <algorithm>
#include <functional>
#include <new>
#include <string>
#include <variant>

namespace belfry {
namespace {

std::uint64_t BitOf(std::size_t index) { return std::uint64_t{1} << index; }

}  // namespace

std::size_t CompositionTable::KeyHash::operator()(const CompositionKey& key) const noexcept {
  if (const auto* const id = std::get_if<EventId>(&key)) {
    return std::hash<std::uint64_t>()(id->origin ^ id->sequence);
  }
  if (const auto* const text = std::get_if<std::string>(&key)) {
    return std::hash<std::string>()(*text);
  }
  if (const auto* const negative = std::get_if<std::int64_t>(&key)) {
    return std::hash<std::int64_t>()(*negative);
  }
  return std::hash<std::uint64_t>()(std::get<std::uint64_t>(key));
}

// --- Parts that come -----------------------------------------------------------------------------

CompositionTable::Offered CompositionTable::Offer(const PartArrival& arrival,
                                                  std::unique_ptr<HeldPart>& part) {
  using Kind = Offered::Kind;
  now_ = std::max(now_, arrival.now);
  Forget();
  Offered offered;
  const auto found = entries_.find(arrival.key);
  if (found == entries_.end()) {
    offered.opened = Opens(arrival.index);
    if (!offered.opened) {
      offered.kind = Kind::kOutOfOrder;
    } else {
      Add(MakeEntry(arrival, offered), arrival, std::move(part), offered);
    }
    return offered;
  }
  Entry& entry = found->second;
  if (entry.end.has_value()) {
    offered.kind = Kind::kLate;
    offered.late_after = *entry.end;
    return offered;
  }
  offered.kind = Fits(entry, arrival.index);
  if (offered.kind == Kind::kTaken) Add(entry, arrival, std::move(part), offered);
  return offered;
}

void CompositionTable::Count(Offered::Kind kind) {
  stats_.duplicates += kind == Offered::Kind::kDuplicate ? 1 : 0;
  stats_.out_of_order += kind == Offered::Kind::kOutOfOrder ? 1 : 0;
  stats_.late += kind == Offered::Kind::kLate ? 1 : 0;
}

CompositionTable::Entry& CompositionTable::MakeEntry(const PartArrival& arrival, Offered& offered) {
  const auto made = entries_.try_emplace(arrival.key).first;
  Entry& entry = made->second;
  entry.key = &made->first;
  entry.since = now_;
  if (stats_.open == rules_.open_max) {
    ++stats_.evicted;
    offered.evicted = End(*open_.first(), CompositionEnd::kEvicted);
  }
  open_.PushBack(entry);
  quiet_.PushBack(entry);
  ++stats_.opened;
  ++stats_.open;
  return entry;
}

bool CompositionTable::Opens(std::size_t index) const {
  const bool any =
      rules_.shape == CompositionShape::kEach || rules_.shape == CompositionShape::kCount;
  return any || index == 0;
}

CompositionTable::Offered::Kind CompositionTable::Fits(const Entry& entry,
                                                       std::size_t index) const {
  using Kind = Offered::Kind;
  switch (rules_.shape) {
    case CompositionShape::kEach:
      return (entry.filled & BitOf(index)) != 0 ? Kind::kDuplicate : Kind::kTaken;
    case CompositionShape::kSequence:
      if ((entry.filled & BitOf(index)) != 0) return Kind::kDuplicate;
      return entry.filled + 1 == BitOf(index) ? Kind::kTaken : Kind::kOutOfOrder;
    case CompositionShape::kCount:
    case CompositionShape::kQuiet:
      return Kind::kTaken;
  }
  return Kind::kTaken;
}

void CompositionTable::Add(Entry& entry, const PartArrival& arrival, std::unique_ptr<HeldPart> part,
                           Offered& offered) {
  part->index = arrival.index;
  part->came = entry.last = now_;
  if (rules_.shape == CompositionShape::kQuiet) {
    if (auto former = entry.parts.TakeOut(arrival.index)) {
      offered.replaced.PushBack(std::move(former));
    }
  } else if (rules_.shape == CompositionShape::kCount && rules_.quiet != Nanoseconds::zero()) {
    while (!entry.parts.empty() && TimeAfter(entry.parts.first()->came, rules_.quiet) <= now_) {
      offered.replaced.PushBack(entry.parts.PopFront());
    }
  }
  entry.filled |= BitOf(arrival.index);
  entry.story.Add(arrival.correlation);
  entry.baggage = arrival.baggage;
  entry.parts.PushBack(std::move(part));
  quiet_.Remove(entry);
  quiet_.PushBack(entry);
  if (Completes(entry)) {
    ++stats_.completed;
    offered.complete = End(entry, CompositionEnd::kCompleted);
  }
}

bool CompositionTable::Completes(const Entry& entry) const {
  return rules_.shape != CompositionShape::kQuiet && entry.parts.size() == rules_.needed;
}

std::optional<EndedComposition> CompositionTable::GiveUp(const PartArrival& arrival) {
  now_ = std::max(now_, arrival.now);
  Forget();
  const auto [found, nothing_came] = entries_.try_emplace(arrival.key);
  Entry& entry = found->second;
  if (nothing_came) {
    entry.key = &found->first;
    CompositionKey key;
    if (!Remember(entry, CompositionEnd::kGivenUp, key)) entries_.erase(found);
    return std::nullopt;
  }
  if (entry.end.has_value()) return std::nullopt;
  ++stats_.given_up;
  return End(entry, CompositionEnd::kGivenUp);
}

// --- Its end -------------------------------------------------------------------------------------

EndedComposition CompositionTable::End(Entry& entry, CompositionEnd end) noexcept {
  open_.Remove(entry);
  quiet_.Remove(entry);
  --stats_.open;
  EndedComposition ended{{}, std::move(entry.parts), entry.story, std::move(entry.baggage)};
  if (!Remember(entry, end, ended.key)) {
    auto removed = entries_.extract(entries_.find(*entry.key));
    ended.key = std::move(removed.key());
  }
  return ended;
}

// Sets `key`. Without memory for that it is not remembered.
bool CompositionTable::Remember(Entry& entry, CompositionEnd end, CompositionKey& key) noexcept {
  if (rules_.remembered_max == 0) return false;
  try {
    key = *entry.key;
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (ended_count_ == rules_.remembered_max) ForgetFirst();
  entry.end = end;
  entry.since = now_;
  ended_.PushBack(entry);
  ++ended_count_;
  return true;
}

void CompositionTable::ForgetFirst() {
  entries_.erase(entries_.find(*ended_.PopFront()->key));
  --ended_count_;
}

void CompositionTable::Forget() {
  if (!rules_.forgets()) return;
  while (!ended_.empty() && TimeAfter(ended_.first()->since, *rules_.remember) <= now_) {
    ForgetFirst();
  }
}

std::optional<CompositionTable::Due> CompositionTable::TakeDue(SteadyTime now) {
  now_ = std::max(now_, now);
  if (open_.empty()) return std::nullopt;
  const auto over = [this](SteadyTime since, Nanoseconds limit) {
    return limit != Nanoseconds::zero() && TimeAfter(since, limit) <= now_;
  };
  Entry* due = open_.first();
  if (!over(due->since, rules_.within)) {
    due = quiet_.first();
    if (!over(due->last, rules_.quiet)) return std::nullopt;
  }
  switch (rules_.shape) {
    case CompositionShape::kQuiet:
      ++stats_.completed;
      return Due{Due::Kind::kComplete, End(*due, CompositionEnd::kCompleted)};
    case CompositionShape::kCount:
      ++stats_.lapsed;
      return Due{Due::Kind::kLapsed, End(*due, CompositionEnd::kCompleted)};
    case CompositionShape::kEach:
    case CompositionShape::kSequence:
      break;
  }
  ++stats_.timed_out;
  return Due{Due::Kind::kTimedOut, End(*due, CompositionEnd::kTimedOut)};
}

std::optional<SteadyTime> CompositionTable::Deadline(const Entry& entry) const {
  std::optional<SteadyTime> deadline;
  if (rules_.within != Nanoseconds::zero()) deadline = TimeAfter(entry.since, rules_.within);
  if (rules_.quiet != Nanoseconds::zero()) {
    const SteadyTime quiet = TimeAfter(entry.last, rules_.quiet);
    deadline = deadline.has_value() ? std::min(*deadline, quiet) : quiet;
  }
  return deadline;
}

std::optional<SteadyTime> CompositionTable::NextDeadline() const {
  if (open_.empty()) return std::nullopt;
  const std::optional<SteadyTime> oldest = Deadline(*open_.first());
  if (!oldest.has_value()) return std::nullopt;
  return std::min(*oldest, *Deadline(*quiet_.first()));
}

std::optional<EndedComposition> CompositionTable::Cancel() {
  if (open_.empty()) return std::nullopt;
  ++stats_.cancelled;
  return End(*open_.first(), CompositionEnd::kEvicted);
}

// --- What is known of it -------------------------------------------------------------------------

void CompositionTable::CountFailed() {
  --stats_.completed;
  ++stats_.failed;
}

std::vector<CompositionTable::Open> CompositionTable::GetOpen(std::size_t max) const {
  std::vector<Open> all;
  const Entry* entry = open_.first();
  for (; entry != nullptr && all.size() < max; entry = entry->by_age.behind) {
    Open open{*entry->key, {}, Deadline(*entry)};
    const HeldPart* part = entry->parts.first();
    for (; part != nullptr; part = HeldParts::After(*part)) open.got.push_back(part->index);
    all.push_back(std::move(open));
  }
  return all;
}

CompositionStats CompositionTable::stats() const { return stats_; }

}  // namespace belfry
