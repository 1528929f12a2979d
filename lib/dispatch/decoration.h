// What stands between a delivery and the callable of a listener that was subscribed with a filter,
// for one event, for the life of an owner, or to be quarantined.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "belfry/event_filter.h"
#include "belfry/failure.h"
#include "belfry/listener_options.h"
#include "dispatch/callable.h"
#include "dispatch/catching.h"
#include "dispatch/failure_window.h"
#include "sync/sync.h"

namespace belfry {

class Listener;
class Topic;

// Stays when the callable is replaced.
//
// Thread safety: any thread.
class Decoration {
 public:
  // Null when the options ask for none.
  static std::shared_ptr<Decoration> Of(ListenerOptions& options);

  // Calls `call` if the listener is to have the event.
  template <class Call>
  Failure Deliver(const void* event, Call call) {
    if (failures_ == nullptr) return Pass(event, call);
    Failure failure;
    const auto failed = [this](std::string_view what) {
      CallerFailed(what);
      throw;
    };
    Catching([&] { failure = Pass(event, call); }, failed, [] {});
    if (failure && !failure.unwanted()) CallerFailed(failure.what());
    return failure;
  }
  // A listener that it belongs to has failed, on an event of that topic. Throws nothing.
  void Failed(Listener& listener, const Topic& topic, std::string_view what);

 private:
  explicit Decoration(ListenerOptions& options);
  template <class Call>
  Failure Pass(const void* event, Call call) {
    const std::shared_ptr<const void> owner = owner_.Lock();
    const bool orphaned = owner_ && owner == nullptr;
    if (!orphaned && filter_ && !filter_.Wants(event)) {
      return Failure::Unwanted("its filter said no");
    }
    if (orphaned || once_) {
      if (over_.exchange(true, std::memory_order_relaxed)) {
        return Failure::Unwanted("it has had its last event");
      }
      FinishCaller();
      if (orphaned) return Failure::Unwanted("its owner is gone");
    }
    return call();
  }
  // Ends the listener whose delivery this thread is in: this is its last one.
  static void FinishCaller();
  // The same one has failed.
  void CallerFailed(std::string_view what);

  const EventFilter filter_;
  const bool once_;
  const Owner owner_;
  const std::unique_ptr<FailureWindow> failures_;  // null: it is never muted for these
  sync::Atomic<bool> over_{false};
};

// An event of whatever type: only its address is known.
struct OpaqueEvent {
  ~OpaqueEvent();
};

// A callable behind a decoration: itself one, for events of whatever type.
//
// Thread safety: as the callable's.
template <bool TakesContext>
class DecoratedCallable {
 public:
  // Throws std::bad_alloc and what the callable's move throws.
  DecoratedCallable(std::shared_ptr<Decoration> decoration, CallableHandle callable)
      : decoration_(std::move(decoration)), callable_(std::make_unique<Callable>(callable)) {}

  Failure operator()(const OpaqueEvent& event) requires(!TakesContext) {
    return Call(&event, nullptr);
  }
  Failure operator()(const OpaqueEvent& event, Context& context) requires TakesContext {
    return Call(&event, &context);
  }

 private:
  Failure Call(const void* event, Context* context) {
    return decoration_->Deliver(event, [&] { return callable_->Call(event, context); });
  }

  std::shared_ptr<Decoration> decoration_;
  std::unique_ptr<Callable> callable_;
};

// Calls `use` with the callable behind the decoration, if there is one.
template <class Use>
auto WithDecoration(const std::shared_ptr<Decoration>& decoration, CallableHandle callable,
                    Use use) {
  if (decoration == nullptr) return use(callable);
  if (callable.operations.takes_context) {
    DecoratedCallable<true> decorated(decoration, callable);
    return use(CallableHandle::Around<OpaqueEvent>(decorated, callable));
  }
  DecoratedCallable<false> decorated(decoration, callable);
  return use(CallableHandle::Around<OpaqueEvent>(decorated, callable));
}

}  // namespace belfry
