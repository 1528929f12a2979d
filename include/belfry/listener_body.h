// The rim between typed listeners and the code that knows no types.
//
// Users need nothing from this header but the rule for signatures in Dispatcher::Subscribe.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "belfry/context.h"
#include "belfry/export.h"
#include "belfry/status_fwd.h"

namespace belfry {

// A place in the source.
struct Site {
  const char* file = "";
  unsigned line = 0;

  static constexpr Site Here(const char* file = __builtin_FILE(),
                             unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

// How a delivery ended: null if well, else what went wrong. One word where all is well.
using Failure = std::unique_ptr<std::string>;

BELFRY_EXPORT Failure FailureOf(const absl::Status& status);

// A listener's callable without its type.
class ListenerBody {
 public:
  explicit ListenerBody(bool takes_context) : takes_context_(takes_context) {}
  virtual ~ListenerBody() = default;
  virtual Failure Call(const void* event, Context& context) = 0;
  bool takes_context() const { return takes_context_; }

 private:
  const bool takes_context_;
};

template <class E, class F>
class TypedListenerBody final : public ListenerBody {
  static constexpr bool kTakesContext = std::is_invocable_v<F&, const E&, Context&>;
  static_assert(kTakesContext || std::is_invocable_v<F&, const E&>,
                "a listener is a callable for (const E&) or (const E&, Context&)");

 public:
  explicit TypedListenerBody(F&& listener)
      : ListenerBody(kTakesContext), listener_(std::move(listener)) {}

  Failure Call(const void* event, Context& context) override {
    const E& typed = *static_cast<const E*>(event);
    if constexpr (kTakesContext) {
      return Convert([&]() -> decltype(auto) { return listener_(typed, context); });
    } else {
      return Convert([&]() -> decltype(auto) { return listener_(typed); });
    }
  }

 private:
  template <class Invoke>
  static Failure Convert(Invoke invoke) {
    using Result = decltype(invoke());
    static_assert(std::is_void_v<Result> || std::is_same_v<Result, absl::Status>,
                  "a listener returns void or absl::Status");
    if constexpr (std::is_void_v<Result>) {
      invoke();
      return nullptr;
    } else {
      return FailureOf(invoke());
    }
  }

  F listener_;
};

template <class E, class F>
std::unique_ptr<ListenerBody> MakeListenerBody(F listener) {
  static_assert(std::is_nothrow_destructible_v<F>, "a listener's destructor must not throw");
  return std::make_unique<TypedListenerBody<E, F>>(std::move(listener));
}

// The event type in a callable's signature: void(const E&) or void(const E&, Context&).
template <class>
struct SignatureEvent {};
template <class R, class E, class... C>
struct SignatureEvent<R(const E&, C...)> {
  using type = E;
};
template <class F>
struct ListenerSignature {};
template <class F>
requires requires { &F::operator(); }
struct ListenerSignature<F> : ListenerSignature<decltype(&F::operator())> {};
template <class R, class... A>
struct ListenerSignature<R (*)(A...)> : SignatureEvent<R(A...)> {};
template <class R, class... A>
struct ListenerSignature<R (*)(A...) noexcept> : SignatureEvent<R(A...)> {};
template <class R, class T, class... A>
struct ListenerSignature<R (T::*)(A...)> : SignatureEvent<R(A...)> {};
template <class R, class T, class... A>
struct ListenerSignature<R (T::*)(A...) const> : SignatureEvent<R(A...)> {};
template <class R, class T, class... A>
struct ListenerSignature<R (T::*)(A...) noexcept> : SignatureEvent<R(A...)> {};
template <class R, class T, class... A>
struct ListenerSignature<R (T::*)(A...) const noexcept> : SignatureEvent<R(A...)> {};

template <class F>
using EventOfListener = typename ListenerSignature<F>::type;

}  // namespace belfry
