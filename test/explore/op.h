// What a thread is about to do to an explorable object, and how the explorer knows the object.
#pragma once

#include <cstdint>
#include <string>

#include "explore/access.h"

namespace belfry::explore {

// Where in the sources an operation stands.
struct Where {
  const char* file = "";
  int line = 0;
  static constexpr Where Here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

std::string ToString(const Where& where);

// In every explorable object: the run that knows it, by whom it was made in that run, and its
// number there once it has been touched. Touched by the thread whose step it is only.
struct Cell {
  std::uint32_t run = 0;
  std::uint32_t object = 0;  // 0: not touched yet
  std::uint32_t maker = 0;
  std::uint32_t made = 0;  // how many that thread had made before
};

enum class OpKind : std::uint8_t {
  kLoad,
  kStore,
  kModify,  // read and write in one: exchange, fetch_add, compare_exchange
  kLock,
  kTryLock,
  kUnlock,
  kWait,  // releases the mutex and waits
  kWake,  // notified: takes the mutex again
  kNotify,
  kDrain,    // what is in the thread's own store buffer reaches memory
  kBarrier,  // what is in all threads' store buffers does
  kYield,
  kJoin,
};

struct Op {
  OpKind kind;
  const char* name;  // for the trace
  Cell* cell;        // null: concerns no object
  Where where;
  bool drains = false;  // nothing may be left in the store buffer

  Access access() const {
    if (kind == OpKind::kUnlock) return Access::kRelease;
    if (kind == OpKind::kTryLock) return Access::kTry;
    return kind == OpKind::kLoad ? Access::kRead : Access::kWrite;
  }
};

}  // namespace belfry::explore
