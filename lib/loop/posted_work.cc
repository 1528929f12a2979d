#include "loop/posted_work.h"

#include <cxxabi.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include "sync/spin.h"
#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {
namespace {

// So many pieces of work are run in a turn: as many as readinesses are fetched in one, so that
// neither keeps the other waiting for longer. To look at the descriptors in between adds some 2 ns
// to each.
constexpr int kTurnShare = 256;

// A loop that finds so many pieces of work at once, but no full share, runs them faster than they
// come. Taken as they come, each few would cost the one who posts a wait for the lock's cache line,
// and each sleep of the loop a write: after a moment a hundred are there instead, and posting is
// thrice as fast. Work that the loop posts itself, one piece after the other, is not held up.
constexpr int kManyAtOnce = 8;
constexpr Nanoseconds kMoment{std::chrono::microseconds(2)};

// So many empty chunks are kept (256 KiB); more are given back as soon as their closures have run.
constexpr std::size_t kSpareMax = 16;

// What posted work throws has nobody to go to. A forced unwinding (pthread_cancel, pthread_exit) is
// not an error and passes.
void RunPosted(Runnable& work) {
  try {
    work.Run();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    std::terminate();
  }
}

}  // namespace

PostedWork::PostedWork() : wakeup_(sys::Eventfd()) {
  if (!wakeup_) sys::ThrowErrno("eventfd");
}

PostedWork::~PostedWork() {
  {
    const sync::ShortLock lock(mutex_);  // whoever was in here has left
    delete filling_;
  }
  // For as long as one write takes.
  while (to_write_.load(std::memory_order_acquire) != 0) sync::Yield();
}

void PostedWork::Push(Runnable& work) {
  bool wake = false;
  {
    const sync::ShortLock lock(mutex_);
    wake = Enqueue(work);
  }
  if (wake) Wake();
}

void PostedWork::PushClosure(const ClosureKind& kind, void* closure) {
  if (kind.is_bytes) {
    while (!TryPushBytes(kind, closure)) AddChunk();
  } else {
    while (!TryPushBuilt(kind, closure)) AddChunk();
  }
}

bool PostedWork::TryPushBytes(const ClosureKind& kind, void* closure) {
  bool wake = false;
  {
    const sync::ShortLock lock(mutex_);
    void* const place = Place(kind);
    if (place == nullptr) return false;
    wake = Enqueue(kind.build(place, filling_->ended(), closure));
  }
  if (wake) Wake();
  return true;
}

bool PostedWork::TryPushBuilt(const ClosureKind& kind, void* closure) {
  void* place = nullptr;
  ClosureChunk* chunk = nullptr;
  {
    const sync::ShortLock lock(mutex_);
    place = Place(kind);
    chunk = filling_;
  }
  if (place == nullptr) return false;
  Push(kind.build(place, chunk->ended(), closure));
  return true;
}

void PostedWork::Stop() {
  bool wake = false;
  {
    const sync::ShortLock lock(mutex_);
    stop_.store(true, std::memory_order_seq_cst);
    wake = MustWake();
  }
  if (wake) Wake();
}

// Null: a chunk is missing.
void* PostedWork::Place(const ClosureKind& kind) {
  if (filling_ != nullptr) {
    if (void* const place = filling_->Place(kind)) return place;
    just_filled_.PushBack(*filling_);
  }
  filling_ = spare_.PopFront();
  return filling_ == nullptr ? nullptr : filling_->Place(kind);
}

void PostedWork::AddChunk() {
  auto chunk = std::make_unique_for_overwrite<ClosureChunk>();
  const sync::ShortLock lock(mutex_);
  spare_.PushFront(*chunk.release());
}

// Whether the caller must Wake the loop, outside of the lock.
bool PostedWork::Enqueue(Runnable& work) {
  queue_.Push(work);
  if (!posted_.load(std::memory_order_relaxed)) posted_.store(true, std::memory_order_seq_cst);
  return MustWake();
}

// Of a hundred who post to a sleeping loop one wakes it.
bool PostedWork::MustWake() {
  if (!asleep_.load(std::memory_order_seq_cst) || !asleep_.exchange(false)) return false;
  to_write_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// Not under the lock: the loop that this wakes will want it, and may be put on this processor.
void PostedWork::Wake() {
  const std::uint64_t one = 1;
  while (sys::Write(wakeup_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  to_write_.fetch_sub(1, std::memory_order_release);
}

void PostedWork::ReadWakeup() {
  woken_ = false;
  std::uint64_t count = 0;
  while (sys::Read(wakeup_.get(), &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

// True: there was something.
bool PostedWork::RunTaken(LoopPulse& pulse) {
  Take();
  int ran = 0;
  while (ran < kTurnShare) {
    Runnable* const work = batch_.Pop();
    if (work == nullptr) break;
    pulse.Calls(LoopWork::kPosted);
    RunPosted(*work);
    ++ran;
  }
  UseAgain();
  more_is_coming_ = ran >= kManyAtOnce && ran < kTurnShare;
  return true;
}

void PostedWork::LetMoreCome() const {
  if (more_is_coming_) sync::SpinFor(kMoment, [] { return false; });
}

// All that was posted, as soon as all that was taken before has run.
void PostedWork::Take() {
  if (!batch_.empty()) return;
  const sync::ShortLock lock(mutex_);
  std::swap(batch_, queue_);
  posted_.store(false, std::memory_order_relaxed);
  filled_.Append(just_filled_);
}

void PostedWork::UseAgain() {
  ClosureChunks empty;
  while (filled_.front() != nullptr && filled_.front()->all_ended()) {
    ClosureChunk& chunk = *filled_.PopFront();
    chunk.Empty();
    empty.PushFront(chunk);
  }
  if (empty.size() == 0) return;
  const sync::ShortLock lock(mutex_);
  while (spare_.size() < kSpareMax && empty.size() != 0) spare_.PushFront(*empty.PopFront());
}  // what is too much goes under no lock

}  // namespace belfry
