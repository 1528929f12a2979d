// What a loop tells of a descriptor, and whom. See EventLoop::Watch.
#pragma once

#include <cstdint>

#include "belfry/export.h"

namespace belfry {

// What a watch wants to hear of. Errors and hang-ups are always reported; with kNone only once.
enum class Interest : std::uint8_t { kNone = 0, kReadable = 1, kWritable = 2, kBoth = 3 };

// What a descriptor is ready for: in the bits in which epoll says it.
struct Readiness {
  bool readable : 1 = false;
  bool : 1;
  bool writable : 1 = false;
  bool error : 1 = false;
  bool hung_up : 1 = false;  // the peer has closed both ways, or its sending way
  // Not defaulted: clang 14 then compares the bit without a name, too.
  friend bool operator==(Readiness a, Readiness b) {
    return a.readable == b.readable && a.writable == b.writable && a.error == b.error &&
           a.hung_up == b.hung_up;
  }
};

// Names one watch of one loop: a slot and the generation of its use, so that a late readiness of a
// descriptor that was closed and opened again never reaches the new one.
struct WatchId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0: none
  explicit operator bool() const { return generation != 0; }
  friend bool operator==(WatchId, WatchId) = default;
};

// Whoever watches one descriptor without a callable of its own; it has at most one watch at a time.
class BELFRY_EXPORT Watcher {
 public:
  virtual void OnReady(Readiness readiness) = 0;
  // Readable, and nothing else: the usual case.
  virtual void OnReadable() { OnReady(Readiness{.readable = true}); }

  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 protected:
  Watcher() = default;
  ~Watcher() = default;

  int watched() const { return fd_; }  // the descriptor; -1: none
  Interest interest() const { return wanted_; }

 private:
  friend class WatchTable;
  int fd_ = -1;
  Interest wanted_ = Interest::kNone;
  Interest told_ = Interest::kNone;  // what epoll knows
  bool again_ = false;               // epoll is to be told, though it knows
  bool callable_ = false;            // is the table's own
};

}  // namespace belfry
