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

// One of a listener with several deliveries at a time, and how many of these use it.
struct CallableInUse {
  explicit CallableInUse(CallableHandle handle) : callable(std::in_place, handle) {}
  std::optional<Callable> callable;
  unsigned users = 0;
  std::unique_ptr<CallableInUse> next{};
};

struct ReplacedCallable {
  CallableInUse* former = nullptr;
  bool unused = false;
};

// The callable of such a listener, and those that it has replaced and that are still in use. These
// end with the last delivery that uses them, and stay in a list until they have.
//
// Thread safety: its listener's mutex. Destroys no callable.
class CallablesInUse {
 public:
  explicit CallablesInUse(CallableHandle callable)
      : current_(std::make_unique<CallableInUse>(callable)) {}

  bool takes_context() const { return current_->callable->takes_context(); }
  bool any_replaced() const { return replaced_ != nullptr; }
  bool IsReplaced(const CallableInUse* callable) const {
    const CallableInUse* replaced = replaced_.get();
    while (replaced != nullptr && replaced != callable) replaced = replaced->next.get();
    return replaced != nullptr;
  }

  CallableInUse* Use() {
    ++current_->users;
    return current_.get();
  }
  // Whether it was replaced, and the last user has left.
  bool Leave(CallableInUse& used) { return --used.users == 0 && &used != current_.get(); }
  // Returns the former one, which is replaced from now on.
  CallableInUse* Replace(std::unique_ptr<CallableInUse>& next) {
    CallableInUse* const former = current_.get();
    former->next = std::move(replaced_);
    replaced_ = std::exchange(current_, std::move(next));
    return former;
  }
  std::unique_ptr<CallableInUse> TakeReplaced(const CallableInUse& replaced) {
    std::unique_ptr<CallableInUse>* link = &replaced_;
    while (link->get() != &replaced) link = &(*link)->next;
    std::unique_ptr<CallableInUse> taken = std::move(*link);
    *link = std::move(taken->next);
    return taken;
  }
  // At the end.
  std::unique_ptr<CallableInUse> TakeCurrent() { return std::move(current_); }

 private:
  std::unique_ptr<CallableInUse> current_;
  std::unique_ptr<CallableInUse> replaced_;
};

}  // namespace belfry
