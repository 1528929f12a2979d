// Which event a callable listens to, read from its signature.
//
// Users need nothing from this header but the rule in Dispatcher::Subscribe.
#pragma once

namespace belfry {

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
