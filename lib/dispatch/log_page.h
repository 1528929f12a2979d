// What the log of queued events is made of.
#pragma once

#include <cstddef>
#include <cstdint>

#include "belfry/envelope.h"
#include "sync/sync.h"

namespace belfry {

class Publication;

// A place for one event. Written once by the publisher who claimed it, then by nobody until the
// page is used again.
struct alignas(16) LogCell {
  enum State : std::uint64_t {
    kEmpty,
    kValue,           // the event's bytes are in the cell
    kValueWithCause,  // and its cause is in the page
    kPublication,     // a pointer to it is
  };
  sync::Atomic<std::uint64_t> state{kEmpty};
  sync::Atomic<std::uint64_t> sequence{0};  // the event's id, when somebody has asked for it

  void* bytes() { return this + 1; }
  Publication*& publication() { return *static_cast<Publication**>(bytes()); }
};

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
  Cause& CauseAt(std::uint64_t position) { return causes_[position - begin]; }
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
