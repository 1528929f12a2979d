// The stores of one thread that have not reached memory yet.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "explore/op.h"

namespace belfry::explore {

// A value for the trace: its first eight bytes.
template <class T>
std::uint64_t BitsOf(const T& value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, std::min(sizeof(T), sizeof(bits)));
  return bits;
}

// A store to an atomic of any type.
struct PendingStore {
  static constexpr std::size_t kBytesMax = 16;

  template <class T>
  PendingStore(std::atomic<T>& atomic, Cell& its_cell, const T& its_value,
               std::memory_order its_order)
      : cell(&its_cell), target(&atomic), order(its_order), bits(BitsOf(its_value)) {
    std::memcpy(value.data(), &its_value, sizeof(T));
    apply = [](const PendingStore& store) {
      T late;
      std::memcpy(static_cast<void*>(&late), store.value.data(), sizeof(T));
      static_cast<std::atomic<T>*>(store.target)->store(late, store.order);
    };
  }

  void (*apply)(const PendingStore& store) = nullptr;
  Cell* cell;
  void* target;
  std::memory_order order;
  std::array<std::byte, kBytesMax> value{};
  std::uint64_t bits;
};

// First in, first out, as on x86: a thread's stores reach memory in its own order.
//
// Thread safety: none; touched in its thread's steps, and by whoever decides about the next step.
class StoreBuffer {
 public:
  bool empty() const { return stores_.empty(); }
  std::size_t size() const { return stores_.size(); }
  const PendingStore& operator[](std::size_t index) const { return stores_[index]; }

  void Push(const PendingStore& store) {
    if (stores_.empty()) observed_ = false;
    stores_.push_back(store);
  }
  PendingStore Pop() {
    const PendingStore first = stores_.front();
    stores_.erase(stores_.begin());
    return first;
  }

  // The newest store to the object; null if there is none.
  const PendingStore* Newest(const Cell& cell) const {
    for (auto store = stores_.rbegin(); store != stores_.rend(); ++store) {
      if (store->cell == &cell) return &*store;
    }
    return nullptr;
  }

  // Whether another thread has touched, meanwhile, the object of the store that was delayed first:
  // until then nobody can tell the delay.
  bool observed() const { return observed_; }
  void SetObserved() { observed_ = true; }

 private:
  std::vector<PendingStore> stores_;
  bool observed_ = false;
};

}  // namespace belfry::explore
