// The interceptors of one dispatcher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

#include "belfry/interceptor.h"
#include "dispatch/callable.h"
#include "dispatch/decoration.h"

namespace belfry {

// Those of either kind, the outermost first.
//
// Thread safety: any thread.
class Interceptors {
 public:
  explicit Interceptors(const std::vector<Interceptor>& all);

  bool any_of_publishes() const { return !of_publishes_.empty(); }
  // How many frames so many nested publishes take.
  std::uint64_t FramesOf(unsigned publishes) const {
    return std::uint64_t{publishes} * (any_of_publishes() ? 2 : 1);
  }
  // For a listener: null when none stands around its deliveries.
  const Interceptors* For(bool listens_to_library) const {
    return listens_to_library || of_deliveries_.empty() ? nullptr : this;
  }

  // What a publish is, and whom to tell what an interceptor has thrown in vain.
  struct Intercepted {
    const AnyEvent event;
    PublishOptions& options;
    const absl::FunctionRef<PublishResult()> publish;
    const absl::FunctionRef<void(std::string_view)> told;
    bool reached = false;  // whether it came to `publish`
  };
  // Throws what an interceptor throws before it goes on, or `publish`.
  PublishResult Publish(Intercepted& intercepted) const { return PublishFrom(0, intercepted); }

  // `given`: what the callable takes, which is the event, or an AnyEvent. Throws what the outermost
  // interceptor throws.
  Failure Deliver(const void* given, Context& context, Callable& callable) const;

 private:
  class PublishStep;
  class DeliveryStep;
  struct Delivering;
  PublishResult PublishFrom(std::size_t index, Intercepted& intercepted) const;
  Failure DeliverFrom(std::size_t index, Delivering& delivering) const;

  std::vector<decltype(Interceptor::around_publish)> of_publishes_;
  std::vector<decltype(Interceptor::around_delivery)> of_deliveries_;
};

// A callable behind the interceptors: itself one, for events of whatever type.
//
// Thread safety: as the callable's.
class InterceptedCallable {
 public:
  // Throws std::bad_alloc and what the callable's move throws.
  InterceptedCallable(const Interceptors& interceptors, CallableHandle callable)
      : interceptors_(&interceptors), callable_(std::make_unique<Callable>(callable)) {}

  Failure operator()(const OpaqueEvent& event, Context& context) {
    return interceptors_->Deliver(&event, context, *callable_);
  }

 private:
  const Interceptors* interceptors_;
  std::unique_ptr<Callable> callable_;
};

// Calls `use` with the callable as its listener calls it: behind the interceptors, if there are
// any, and these behind the decoration.
template <class Use>
auto Wrapped(const Interceptors* interceptors, const std::shared_ptr<Decoration>& decoration,
             CallableHandle callable, Use use) {
  if (interceptors == nullptr) return WithDecoration(decoration, callable, use);
  InterceptedCallable intercepted(*interceptors, callable);
  return WithDecoration(decoration, CallableHandle::Around<OpaqueEvent>(intercepted, callable),
                        use);
}

}  // namespace belfry
