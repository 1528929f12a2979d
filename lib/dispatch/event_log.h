// The queue that all queued listeners of one event type share: every event once, in one order, and
// each listener's own position in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "belfry/event_handle.h"
#include "dispatch/log_page.h"
#include "sync/sync.h"

namespace belfry {

// Positions count up from 0. A publisher claims one by moving the tail, which it may as long as
// the tail is below a bound that leaves room in every listener's queue and in the last page; then
// it fills the cell. So nobody who publishes bytes waits for anybody. Whoever holds the topic's
// mutex can claim the tail for himself, and then change the bound, the pages and the listeners.
//
// Thread safety: TryAppend, tail and Leave any thread; the rest under the topic's mutex.
class EventLog {
 public:
  explicit EventLog(std::size_t event_size) : event_size_(event_size) {}
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  enum class Appended { kYes, kNoRoom, kOthersOnly };
  // An event of bytes, with its cause if it has one. kNoRoom: the bound must be looked at.
  // kOthersOnly: somebody has the tail for himself.
  Appended TryAppend(EventHandle event, const Cause* cause);

  std::uint64_t tail() const { return tail_.load(std::memory_order_seq_cst) >> kShift; }

  // --- Under the mutex ---
  // The tail for oneself, for a block. Not one inside another.
  class Own {
   public:
    explicit Own(EventLog& log) : log_(log) {
      if (log_.open_) log_.tail_.fetch_or(kOwned, std::memory_order_seq_cst);
    }
    ~Own() {
      if (log_.open_) log_.Disown();
    }
    Own(const Own&) = delete;
    Own& operator=(const Own&) = delete;

   private:
    EventLog& log_;
  };
  // Whether publishers may append on their own when nobody owns the tail.
  void SetOpen(bool open) { open_ = open; }
  // Up to which position they may, and how many cells before that are not for them.
  void SetBound(std::uint64_t position, std::uint64_t reserved);
  bool HasRoom() const;
  // By the owner: the next cell. The page has room.
  void Append(Publication& publication);

  // Whether the last page has a cell left.
  bool HasCell() const { return last_ != nullptr && tail() < last_->end(); }
  // Adds a page for so many listeners, from a spare one; false when there is none.
  bool AddPage(std::uint64_t listeners);
  void AddSpare(LogPage* page);
  bool NeedsSpare(std::uint64_t cells) const;  // to have so many cells
  bool HasSparesEnough() const { return spare_count_ >= kSparesMax; }
  LogPage* last() const { return last_; }
  LogPage* MakePage() const { return LogPage::Make(event_size_); }
  // For a listener that begins at the tail.
  LogPage* Enter();

  // --- A listener's ---
  // It needs the page no more. Whether nobody does: then the page is the caller's, to give back.
  static bool Leave(LogPage& page) {
    return page.users.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 private:
  // Below the position: whether somebody owns the tail, and how often somebody did. Who has looked
  // at the bound before an owner changed it must not claim the tail after that.
  static constexpr int kShift = 13;
  static constexpr std::uint64_t kOwned = 1;
  static constexpr std::uint64_t kOwnerships = (std::uint64_t{1} << kShift) - 2;
  static constexpr std::uint64_t kOneOwnership = 2;
  static constexpr unsigned kSparesMax = 64;

  void Disown() {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    const std::uint64_t ownerships = (tail + kOneOwnership) & kOwnerships;
    tail_.store((tail & ~(kOwnerships | kOwned)) | ownerships, std::memory_order_seq_cst);
  }

  // Moved by every publish.
  alignas(64) sync::Atomic<std::uint64_t> tail_{kOwned};
  // Read by every publish.
  alignas(64) sync::Atomic<std::uint64_t> bound_{0};
  sync::Atomic<LogPage*> page_{nullptr};
  LogPage* last_ = nullptr;
  bool open_ = false;
  const std::size_t event_size_;
  LogPage* spares_ = nullptr;
  unsigned spare_count_ = 0;
};

inline EventLog::Appended EventLog::TryAppend(EventHandle event, const Cause* cause) {
  std::uint64_t tail = tail_.load(std::memory_order_seq_cst);
  LogPage* page = nullptr;
  do {
    if ((tail & kOwned) != 0) return Appended::kOthersOnly;
    if (tail >= bound_.load(std::memory_order_acquire)) return Appended::kNoRoom;
    // The page of a tail that is below the bound, for as long as the tail stays where it is.
    page = page_.load(std::memory_order_acquire);
  } while (!tail_.compare_exchange_weak(tail, tail + (std::uint64_t{1} << kShift),
                                        std::memory_order_seq_cst));
  const std::uint64_t position = tail >> kShift;
  LogCell& cell = page->At(position);
  // The next claim waits until what is written here has left for the cache: its lines had better be
  // there, and not with who has read them.
  page->FetchBehind(cell);
  event.operations->take(event.carrier, cell.bytes());  // bytes: it runs no code of anybody's
  cell.sequence.store(0, std::memory_order_relaxed);
  if (cause == nullptr) {
    cell.state.store(LogCell::kValue, std::memory_order_release);
  } else {
    ::new (&page->CauseAt(position)) Cause(*cause);
    cell.state.store(LogCell::kValueWithCause, std::memory_order_release);
  }
  return Appended::kYes;
}

}  // namespace belfry
