// What the log of queued events is made of.
#pragma once

#include <cstddef>
#include <cstdint>

#include "belfry/envelope.h"
#include "belfry/queued_pass.h"
#include "sync/sync.h"

namespace belfry {

class Publication;

// Where a cell has the pointer to a publication.
inline Publication*& PublicationIn(LogCell& cell) {
  return *static_cast<Publication**>(cell.bytes());
}

// A stretch of the log. Used again when everybody has left it.
class LogPage {
 public:
  static constexpr std::uint64_t kCells = 256;
  // Events up to this size, that can be copied as bytes, lie in the log themselves.
  static constexpr std::size_t kValueMax = 112;

  // Null when there is no memory.
  static LogPage* Make(std::size_t event_size);
  static void Delete(LogPage* page);

  LogCell& At(std::uint64_t position) {
    return *reinterpret_cast<LogCell*>(cells_ + (position - begin) * stride_);
  }
  // Fetches, to be written, the cell so many places behind that one, or the first ones of all.
  static constexpr std::size_t kFetchedAhead = 12;
  void FetchBehind(LogCell& cell) const {  // past the end: harmless
    __builtin_prefetch(reinterpret_cast<std::byte*>(&cell) + kFetchedAhead * stride_, 1);
  }
  void FetchFirst() const {
    for (std::size_t i = 0; i < kFetchedAhead; ++i) __builtin_prefetch(cells_ + i * stride_, 1);
  }
  // Of an event of bytes; "from nowhere" where it has none.
  const Cause& CauseOf(std::uint64_t position) {
    static constexpr Cause kNone{};
    const std::uint64_t state = At(position).state.load(std::memory_order_relaxed);
    return state == LogCell::kValueWithCause ? CauseAt(position) : kNone;
  }
  // Of an event that has one.
  Cause& CauseAt(std::uint64_t position) { return causes_[position - begin]; }
  std::size_t stride() const { return stride_; }
  std::uint64_t end() const { return begin + kCells; }
  void Clear();

  std::uint64_t begin = 0;  // the position of its first cell
  sync::Atomic<LogPage*> next{nullptr};
  // Listeners that have not left it, and one more while it is the last page.
  sync::Atomic<std::uint64_t> users{0};
  LogPage* spare_next = nullptr;

 private:
  LogPage() = default;
  std::size_t stride_ = 0;
  std::byte* cells_ = nullptr;
  Cause* causes_ = nullptr;
};

}  // namespace belfry
