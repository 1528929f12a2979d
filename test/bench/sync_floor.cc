// The floors of the synchronous works.
#include <atomic>
#include <cstddef>

#include "bench/event.h"
#include "bench/floor.h"
#include "bench/sync_register.h"

namespace {

using bench::Event;

class UnsafeFloor {
 public:
  static constexpr bool kThreadSafe = false;
  static constexpr bool kSubscribes = false;

  template <class F>
  std::size_t Add(F listener) {
    table_.emplace_back(listener);
    return table_.size();
  }
  void Emit(const Event& event) { bench::CallUnsafe(table_, event); }

 private:
  bench::FloorTable<Event> table_;
};

class Floor {
 public:
  static constexpr bool kThreadSafe = true;
  static constexpr bool kSubscribes = false;

  template <class F>
  std::size_t Add(F listener) {
    table_.emplace_back(listener);
    current_.store(&table_, std::memory_order_release);
    return table_.size();
  }
  void Emit(const Event& event) { bench::CallGuarded(current_, event); }

 private:
  bench::FloorTable<Event> table_;
  std::atomic<const void*> current_{&table_};
};

[[maybe_unused]] const bool registered =
    bench::RegisterSync<UnsafeFloor>("floor_unsafe") && bench::RegisterSync<Floor>("floor");

}  // namespace
