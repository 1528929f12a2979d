// The callable of a listener with a queue, owned.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "belfry/listener_body.h"

namespace belfry {

// Small ones lie inside, others on the heap.
//
// Thread safety: none of its own.
class Callable {
 public:
  // Moves `from` in. Throws what that throws, and std::bad_alloc.
  explicit Callable(CallableHandle from) : operations_(from.operations) {
    where_ = Fits() ? static_cast<void*>(inside_)
                    : ::operator new(operations_.size, std::align_val_t(operations_.alignment));
    try {
      operations_.move(from.callable, where_);
    } catch (...) {
      Free();
      throw;
    }
  }
  ~Callable() {
    operations_.destroy(where_);
    Free();
  }
  Callable(const Callable&) = delete;
  Callable& operator=(const Callable&) = delete;

  bool takes_context() const { return operations_.takes_context; }
  bool calls_each() const { return operations_.call_each != nullptr; }
  void CallEach(QueuedPass& pass) { operations_.call_each(pass, where_); }
  Failure Call(const void* event, Context* context) {
    return operations_.call(where_, event, context);
  }

 private:
  static constexpr std::size_t kInsideMax = 48;

  bool Fits() const {
    return operations_.size <= kInsideMax && operations_.alignment <= alignof(std::max_align_t);
  }
  void Free() {
    if (!Fits()) ::operator delete(where_, std::align_val_t(operations_.alignment));
  }

  const ListenerOperations& operations_;
  void* where_ = nullptr;
  alignas(std::max_align_t) std::byte inside_[kInsideMax];
};

// One of a listener with several deliveries at a time, and how many of these use it. When it was
// replaced it ends with the last of them, and stays in a list until it has.
//
// Thread safety: its listener's mutex.
struct CallableInUse {
  explicit CallableInUse(CallableHandle handle) : callable(std::in_place, handle) {}
  std::optional<Callable> callable;
  unsigned users = 0;
  std::unique_ptr<CallableInUse> next{};
};

}  // namespace belfry
