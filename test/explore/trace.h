// What a run did last, for people.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "explore/op.h"

namespace belfry::explore {

// An object's name in a trace: a0.5 is an atomic, and thread 0 had made five objects before it;
// m.2 is a mutex that is older than the run, a static one.
struct ObjectName {
  static constexpr unsigned kOlder = ~0U;
  unsigned thread = 0;  // that made it
  std::uint32_t number = 0;
  char type = ' ';  // a: atomic, m: mutex, c: condition
};
std::string ToString(const ObjectName& name);

struct TraceEntry {
  std::uint64_t step = 0;
  unsigned thread = 0;
  const char* what = "";
  ObjectName object{};
  Where where{};
  bool has_value = false;
  bool changed = false;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  unsigned times = 1;  // of a loop that loads, only the last step is kept

  // Whether it is the next load of the same loop.
  bool Repeats(const TraceEntry& earlier) const {
    return std::string_view(what) == "load" && std::string_view(earlier.what) == "load" &&
           thread == earlier.thread && where.line == earlier.where.line;
  }
};

// The last steps of a run.
//
// Thread safety: none; one step at a time.
class Trace {
 public:
  TraceEntry& Add(const TraceEntry& entry) {
    const unsigned times = count_ > 0 && entry.Repeats(*last()) ? last()->times + 1 : 1;
    if (times == 1) ++count_;
    *last() = entry;
    last()->times = times;
    return *last();
  }
  TraceEntry* last() { return count_ == 0 ? nullptr : &entries_[(count_ - 1) % kEntriesMax]; }
  std::string Text() const;

 private:
  static constexpr std::size_t kEntriesMax = 80;
  std::array<TraceEntry, kEntriesMax> entries_;
  std::size_t count_ = 0;
};

}  // namespace belfry::explore
