// The timers of a loop, by the millisecond in which they are due. Knows no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "belfry/timer_entry.h"

namespace belfry {

// A hierarchical timing wheel. Each level has 1024 buckets: on level 0 for a tick each, on level 1
// for 1024 ticks each, and so on. A tick's digits, to the base of 1024, are its slots; a timer lies
// on the level of the first digit in which its tick and the wheel's position differ. Whenever the
// position comes to the beginning of a bucket, level 0 calls what is in it; higher levels put it
// into buckets further down. So the timers of one tick are in one bucket at any time, in the order
// in which they came.
//
// A bucket is a list of chunks of pointers, so that a run knows early what it needs next, and
// fetches it ahead. A timer knows its place; to cancel it leaves a hole there. A chunk of nothing
// but holes is given back, so none is without a timer; the memory of a few is kept.
//
// A timer that is put off stays where it is: only its tick is written down, which nobody reads
// before the position comes to the old place. Then it goes to the right one.
//
// Thread safety: none.
class TimerWheel {
 public:
  using Tick = std::uint64_t;  // milliseconds

  explicit TimerWheel(Tick now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Due at `tick`; with the next RunDue when that is not after the last one. Timers of one tick run
  // in the order in which they were armed, those with a past tick as if they were armed for the
  // last RunDue's; who is armed for later (or the same) while it is armed has no place in this
  // order. Throws std::bad_alloc, with nothing changed.
  void Arm(TimerEntry& timer, Tick tick) {
    if (timer.place_ != 0 && tick >= timer.tick_) {
      timer.tick_ = tick;
    } else {
      Place(timer, tick);
    }
  }

  // Nothing, if it is not armed.
  void Cancel(TimerEntry& timer);

  // Calls what is due at `now`, and was armed before this began. A time before the last one counts
  // as that. What is thrown, by a timer or for want of memory, passes through; the next call goes
  // on where this one ended.
  void RunDue(Tick now);

  // When RunDue has something to do: not after the first timer is due. Where that is far away it is
  // before that, a few times; then RunDue calls nothing, but the next answer is closer.
  std::optional<Tick> NextTick() const;

  bool empty() const { return chunks_in_use_ == 0; }
  // The time of the last RunDue.
  Tick now() const { return now_; }
  // Goes to `now` if nothing is armed. After a long time with nothing to do this saves RunDue, and
  // who waits for NextTick, the way there.
  void SkipTo(Tick now);

 private:
  static constexpr unsigned kLevelBits = 10;
  static constexpr unsigned kLevels = 7;  // for all 64 bits of a tick
  static constexpr unsigned kSlots = 1U << kLevelBits;

  // By number: the slots of all levels, and two more.
  using BucketNumber = std::uint16_t;
  static constexpr BucketNumber kDue = kLevels * kSlots;  // what RunDue calls next
  static constexpr BucketNumber kLate = kDue + 1;         // armed for a time that has passed
  static constexpr BucketNumber kBuckets = kLate + 1;
  static constexpr BucketNumber kNone = kBuckets;

  // A chunk's number, from 1 on, times kEntries, and the index in it.
  using PlaceNumber = std::uint32_t;
  using ChunkNumber = std::uint32_t;
  static constexpr unsigned kEntries = 32;
  using Entries = std::array<TimerEntry*, kEntries>;

  struct Bucket {
    ChunkNumber first = 0;
    ChunkNumber last = 0;
  };
  struct Chunk {
    std::unique_ptr<Entries> entries;
    ChunkNumber next = 0;  // of its bucket, or of those that are free
    ChunkNumber previous = 0;
    BucketNumber bucket = kNone;
    std::uint8_t first = 0;  // there are only holes before it
    std::uint8_t used = 0;
    std::uint8_t live = 0;
  };
  // Which slots of a level have timers; and which words of that have bits.
  struct Filled {
    std::uint64_t words = 0;
    std::array<std::uint64_t, kSlots / 64> slots{};
  };
  struct Slot {
    BucketNumber bucket;
    Tick start;
  };

  Chunk& At(ChunkNumber number) { return chunks_[number - 1]; }
  const Chunk& At(ChunkNumber number) const { return chunks_[number - 1]; }

  void Place(TimerEntry& timer, Tick tick);
  void Settle(TimerEntry& timer);
  bool Gather();
  void Cascade();
  void CallDue();

  BucketNumber BucketOf(Tick tick) const;
  std::optional<Slot> FirstSlot() const;
  void MarkFilled(BucketNumber bucket, bool filled);

  void Append(BucketNumber number, TimerEntry& timer);
  void Release(PlaceNumber place);
  TimerEntry* First(BucketNumber number);
  const TimerEntry* Ahead(const Chunk& chunk) const;
  void MakeDue(BucketNumber number);
  void AddChunk(BucketNumber number);
  ChunkNumber TakeChunk();
  void FreeChunk(ChunkNumber number);

  Tick now_;
  Tick position_;                   // what is due before it was called; at rest the same as now_
  BucketNumber cascading_ = kNone;  // what Cascade was to empty when memory ran out
  bool running_ = false;
  ChunkNumber free_ = 0;
  std::size_t chunks_in_use_ = 0;
  std::vector<Chunk> chunks_;
  std::vector<std::unique_ptr<Entries>> spare_;  // of chunks that are not in use
  std::array<Bucket, kBuckets> buckets_{};
  std::array<Filled, kLevels> filled_{};
};

}  // namespace belfry
