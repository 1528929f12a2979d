// std::atomic's operations as steps of an exploration. Part of sync/sync.h.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "explore/op.h"
#include "explore/run.h"
#include "explore/store_buffer.h"

namespace belfry::sync {
inline namespace explored {

// Thread safety: as std::atomic. On threads that belong to no run it is one.
template <class T>
class Atomic {
  using Order = std::memory_order;
  using Where = explore::Where;
  using Run = explore::Run;
  static constexpr Order kStrongest = std::memory_order_seq_cst;
  static_assert(sizeof(T) <= explore::PendingStore::kBytesMax && std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;
  using Delta = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;
  static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

  constexpr Atomic() noexcept : Atomic(T()) {}
  constexpr Atomic(T value) noexcept : value_(value) {  // implicit, as std::atomic's
    if (!std::is_constant_evaluated()) Run::Made(cell_);
  }
  constexpr ~Atomic() {
    if (!std::is_constant_evaluated()) Run::Gone(cell_);
  }
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(Order order = kStrongest, Where where = Where::Here()) const noexcept {
    Run* const run = Run::Current();
    if (run == nullptr) return value_.load(order);
    run->Operate({explore::OpKind::kLoad, "load", &cell_, where});
    T value;
    if (const explore::PendingStore* const own = run->OwnStore(cell_); own != nullptr) {
      std::memcpy(static_cast<void*>(&value), own->value.data(), sizeof(T));
    } else {
      value = value_.load(order);
    }
    run->Performed(explore::BitsOf(value), explore::BitsOf(value));
    return value;
  }

  void store(T value, Order order = kStrongest, Where where = Where::Here()) noexcept {
    Run* const run = Run::Current();
    if (run == nullptr) return value_.store(value, order);
    run->Operate({explore::OpKind::kStore, "store", &cell_, where, order == kStrongest});
    if (order != kStrongest && run->Delay(explore::PendingStore(value_, cell_, value, order)))
      return;
    const T before = value_.load(std::memory_order_relaxed);
    value_.store(value, order);
    run->Performed(explore::BitsOf(before), explore::BitsOf(value));
  }

  T exchange(T value, Order order = kStrongest, Where where = Where::Here()) noexcept {
    return Modify("exchange", where, [&] { return value_.exchange(value, order); });
  }

  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               Where where = Where::Here()) noexcept {
    bool done = false;
    Modify("compare_exchange", where, [&] {
      T seen = expected;
      done = value_.compare_exchange_strong(seen, desired, success, failure);
      if (!done) expected = seen;  // else it may be somebody else's by now
      return seen;
    });
    return done;
  }
  bool compare_exchange_strong(T& expected, T desired, Order order = kStrongest,
                               Where where = Where::Here()) noexcept {
    return compare_exchange_strong(expected, desired, order, OnFailure(order), where);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             Where where = Where::Here()) noexcept {
    return compare_exchange_strong(expected, desired, success, failure, where);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = kStrongest,
                             Where where = Where::Here()) noexcept {
    return compare_exchange_strong(expected, desired, order, OnFailure(order), where);
  }

  T fetch_add(Delta delta, Order order = kStrongest, Where where = Where::Here()) noexcept {
    return Modify("fetch_add", where, [&] { return value_.fetch_add(delta, order); });
  }
  T fetch_sub(Delta delta, Order order = kStrongest, Where where = Where::Here()) noexcept {
    return Modify("fetch_sub", where, [&] { return value_.fetch_sub(delta, order); });
  }
  T fetch_and(T bits, Order order = kStrongest, Where where = Where::Here()) noexcept {
    return Modify("fetch_and", where, [&] { return value_.fetch_and(bits, order); });
  }
  T fetch_or(T bits, Order order = kStrongest, Where where = Where::Here()) noexcept {
    return Modify("fetch_or", where, [&] { return value_.fetch_or(bits, order); });
  }
  T fetch_xor(T bits, Order order = kStrongest, Where where = Where::Here()) noexcept {
    return Modify("fetch_xor", where, [&] { return value_.fetch_xor(bits, order); });
  }

  T operator++() noexcept { return static_cast<T>(fetch_add(1) + 1); }
  T operator--() noexcept { return static_cast<T>(fetch_sub(1) - 1); }

 private:
  static constexpr Order OnFailure(Order order) {
    return order == std::memory_order_acq_rel   ? std::memory_order_acquire
           : order == std::memory_order_release ? std::memory_order_relaxed
                                                : order;
  }

  // A read-modify-write; `modify` returns what it found.
  template <class F>
  T Modify(const char* name, Where where, F modify) {
    Run* const run = Run::Current();
    if (run == nullptr) return modify();
    run->Operate({explore::OpKind::kModify, name, &cell_, where, /*drains=*/true});
    const T before = modify();
    run->Performed(explore::BitsOf(before),
                   explore::BitsOf(value_.load(std::memory_order_relaxed)));
    return before;
  }

  std::atomic<T> value_;
  mutable explore::Cell cell_;
};

// Orders nothing: what it stands for is the heavy barrier's.
inline void LightBarrier() {}

}  // namespace explored
}  // namespace belfry::sync
