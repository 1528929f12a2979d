#include "loop/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "belfry/check.h"
#include "execute/flag_scope.h"

namespace belfry {
namespace {

// A timer is fetched from memory this many calls before its own.
constexpr unsigned kAhead = 12;

// The table of chunks is given back with the last timer, if it has grown beyond this.
constexpr std::size_t kChunksKept = 256;

// The memory of so many chunks is kept when it is not needed, so that timers that come and go one
// by one allocate nothing.
constexpr std::size_t kSpare = 16;

void SetBit(std::uint64_t& bits, unsigned index, bool value) {
  const std::uint64_t bit = std::uint64_t{1} << index;
  bits = value ? bits | bit : bits & ~bit;
}

}  // namespace

TimerWheel::TimerWheel(Tick now) : now_(now), position_(now) { spare_.reserve(kSpare); }

void TimerWheel::Place(TimerEntry& timer, Tick tick) {
  const PlaceNumber before = timer.place_;
  Append(tick <= now_ ? kLate : BucketOf(tick), timer);
  timer.tick_ = tick;
  if (before != 0) Release(before);
}

void TimerWheel::Cancel(TimerEntry& timer) {
  if (timer.place_ != 0) Release(std::exchange(timer.place_, 0));
}

void TimerWheel::SkipTo(Tick now) {
  if (!empty() || now <= now_) return;
  now_ = position_ = now;
  cascading_ = kNone;
}

// --- running -------------------------------------------------------------------------------------

void TimerWheel::RunDue(Tick now) {
  BELFRY_CHECK(!running_, "a timer's callback ran the timers");
  const FlagScope running(running_);
  MakeDue(kLate);
  now_ = std::max(now_, now);
  do {
    CallDue();
  } while (Gather());
}

void TimerWheel::CallDue() {
  while (TimerEntry* const timer = First(kDue)) {
    if (timer->tick_ > position_) {
      Settle(*timer);  // it was put off
    } else {
      Cancel(*timer);
      timer->due_(*timer);
    }
  }
}

// Moves on to the next tick that has timers, and makes these due. False when it came to now_.
bool TimerWheel::Gather() {
  Cascade();
  while (const std::optional<Slot> slot = FirstSlot()) {
    if (slot->start > now_) break;
    position_ = slot->start;
    if (slot->bucket < kSlots) {
      MakeDue(slot->bucket);
      return true;
    }
    cascading_ = slot->bucket;
    Cascade();
  }
  position_ = now_;
  return false;
}

void TimerWheel::Cascade() {
  if (cascading_ == kNone) return;
  while (TimerEntry* const timer = First(cascading_)) Settle(*timer);
  cascading_ = kNone;
}

// Puts an armed timer where it belongs by now.
void TimerWheel::Settle(TimerEntry& timer) {
  const PlaceNumber before = timer.place_;
  Append(BucketOf(timer.tick_), timer);
  Release(before);
}

// --- slots ---------------------------------------------------------------------------------------

TimerWheel::BucketNumber TimerWheel::BucketOf(Tick tick) const {
  const auto highest = static_cast<unsigned>(std::bit_width((tick ^ position_) | 1)) - 1;
  const unsigned level = highest / kLevelBits;
  const auto slot = static_cast<unsigned>(tick >> (level * kLevelBits)) % kSlots;
  return static_cast<BucketNumber>(level * kSlots + slot);
}

std::optional<TimerWheel::Tick> TimerWheel::NextTick() const {
  if (empty()) return std::nullopt;
  if (buckets_[kDue].first != 0 || buckets_[kLate].first != 0 || cascading_ != kNone) return now_;
  return FirstSlot()->start;
}

// The slots of a level come before those of the levels above it: they are in the one slot of that
// level in which the position is. What lies behind the position is empty.
std::optional<TimerWheel::Slot> TimerWheel::FirstSlot() const {
  for (unsigned level = 0; level < kLevels; ++level) {
    const unsigned shift = level * kLevelBits;
    const auto here = static_cast<unsigned>(position_ >> shift) % kSlots;
    const Filled& filled = filled_[level];
    if (filled.words == 0) continue;
    const auto word = static_cast<unsigned>(std::countr_zero(filled.words));
    const auto slot = word * 64 + static_cast<unsigned>(std::countr_zero(filled.slots[word]));
    const Tick start = ((position_ >> shift) - here + slot) << shift;
    return Slot{static_cast<BucketNumber>(level * kSlots + slot), start};
  }
  return std::nullopt;
}

void TimerWheel::MarkFilled(BucketNumber bucket, bool filled) {
  if (bucket >= kDue) return;
  const unsigned slot = bucket % kSlots;
  auto& [words, slots] = filled_[bucket / kSlots];
  SetBit(slots[slot / 64], slot % 64, filled);
  SetBit(words, slot / 64, slots[slot / 64] != 0);
}

// --- buckets and their chunks --------------------------------------------------------------------

void TimerWheel::Append(BucketNumber number, TimerEntry& timer) {
  const Bucket& bucket = buckets_[number];
  if (bucket.last == 0 || At(bucket.last).used == kEntries) AddChunk(number);
  Chunk& chunk = At(bucket.last);
  (*chunk.entries)[chunk.used] = &timer;
  timer.place_ = bucket.last * kEntries + chunk.used;
  ++chunk.used;
  ++chunk.live;
}

// Leaves a hole.
void TimerWheel::Release(PlaceNumber place) {
  Chunk& chunk = At(place / kEntries);
  (*chunk.entries)[place % kEntries] = nullptr;
  if (--chunk.live == 0) FreeChunk(place / kEntries);
}

// The first timer of a bucket, or nullptr.
TimerEntry* TimerWheel::First(BucketNumber number) {
  if (buckets_[number].first == 0) return nullptr;
  Chunk& chunk = At(buckets_[number].first);
  while ((*chunk.entries)[chunk.first] == nullptr) ++chunk.first;
  if (const TimerEntry* const ahead = Ahead(chunk)) {
    __builtin_prefetch(&ahead->due_, 1);
    __builtin_prefetch(&ahead->place_, 1);  // may be in another line
  }
  return (*chunk.entries)[chunk.first];
}

// What comes kAhead places after the first of a chunk, or nullptr. It does not fetch that itself:
// g++ drops calls of functions that do nothing else.
const TimerEntry* TimerWheel::Ahead(const Chunk& chunk) const {
  unsigned index = chunk.first + kAhead;
  const Chunk* at = &chunk;
  if (index >= kEntries && chunk.next != 0) {
    at = &At(chunk.next);
    index -= kEntries;
  }
  return index < at->used ? (*at->entries)[index] : nullptr;
}

// Puts a bucket's timers behind those that are due.
void TimerWheel::MakeDue(BucketNumber number) {
  const Bucket from = std::exchange(buckets_[number], Bucket{});
  if (from.first == 0) return;
  MarkFilled(number, false);
  for (ChunkNumber each = from.first; each != 0; each = At(each).next) At(each).bucket = kDue;
  Bucket& due = buckets_[kDue];
  At(from.first).previous = due.last;
  (due.last == 0 ? due.first : At(due.last).next) = from.first;
  due.last = from.last;
}

void TimerWheel::AddChunk(BucketNumber number) {
  const ChunkNumber added = TakeChunk();
  Bucket& bucket = buckets_[number];
  Chunk& chunk = At(added);
  chunk.bucket = number;
  chunk.previous = bucket.last;
  (bucket.last == 0 ? bucket.first : At(bucket.last).next) = added;
  bucket.last = added;
  MarkFilled(number, true);
}

// One that is empty, and in no bucket.
TimerWheel::ChunkNumber TimerWheel::TakeChunk() {
  if (spare_.empty()) spare_.push_back(std::make_unique_for_overwrite<Entries>());
  if (free_ == 0) {
    BELFRY_CHECK(chunks_.size() < std::numeric_limits<PlaceNumber>::max() / kEntries - 1,
                 "a loop has room for four billion timers");
    chunks_.emplace_back();
    free_ = static_cast<ChunkNumber>(chunks_.size());
  }
  const ChunkNumber taken = free_;
  free_ = At(taken).next;
  At(taken) = Chunk{.entries = std::move(spare_.back())};
  spare_.pop_back();
  ++chunks_in_use_;
  return taken;
}

void TimerWheel::FreeChunk(ChunkNumber number) {
  Chunk& chunk = At(number);
  Bucket& bucket = buckets_[chunk.bucket];
  (chunk.previous == 0 ? bucket.first : At(chunk.previous).next) = chunk.next;
  (chunk.next == 0 ? bucket.last : At(chunk.next).previous) = chunk.previous;
  if (bucket.first == 0) MarkFilled(chunk.bucket, false);
  if (spare_.size() < kSpare) {
    spare_.push_back(std::move(chunk.entries));
  } else {
    chunk.entries.reset();
  }
  chunk.next = std::exchange(free_, number);
  if (--chunks_in_use_ == 0 && chunks_.size() > kChunksKept) {
    chunks_.clear();
    chunks_.shrink_to_fit();
    free_ = 0;
  }
}

}  // namespace belfry
