// The rim between typed answerers and the code that knows no types.
//
// Users need nothing from this header.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "belfry/context.h"
#include "belfry/dispatcher.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/failure.h"
#include "belfry/flow/answer_result.h"
#include "belfry/flow/reply.h"
#include "belfry/flow/task.h"
#include "belfry/listener_options.h"
#include "belfry/site.h"
#include "belfry/subscription.h"

namespace belfry {

class Answerer;
class Asking;

// One query with one answerer: who waits for the answer, if anybody does.
//
// Thread safety: a value.
class BELFRY_EXPORT AnswerTurn {
 public:
  AnswerTurn(std::shared_ptr<Answerer> answerer, std::shared_ptr<Asking> asking, bool wanted);

  bool wanted() const { return wanted_; }
  // How the delivery ends with that answer.
  Failure Now(const AnyReply& reply) const;
  // It is to come later, or has come.
  void Promise() const;
  void Later(const AnyReply& reply) const;

 private:
  std::shared_ptr<Answerer> answerer_;
  std::shared_ptr<Asking> asking_;  // null: it was published, not asked
  bool wanted_;
};

enum class AnswererKind { kOnly, kOneOfMany };

// The right to answer queries of one type, for as long as it lives: a part of the listener.
class BELFRY_EXPORT AnswererHold {
 public:
  // Empty if somebody else has it: `refused` says who.
  AnswererHold(Dispatcher& dispatcher, EventType query, AnswererKind kind, std::string_view name,
               Site site, Subscription& refused);
  AnswererHold(AnswererHold&& other) noexcept = default;
  AnswererHold& operator=(AnswererHold&&) = delete;
  ~AnswererHold();

  explicit operator bool() const { return answerer_ != nullptr; }
  const std::shared_ptr<Answerer>& answerer() const { return answerer_; }

  AnswerTurn Begin(const Context& context) const;

 private:
  std::shared_ptr<Answerer> answerer_;
};

BELFRY_EXPORT void SetListener(Answerer& answerer, const Subscription& subscription);

template <class F, class Q>
decltype(auto) InvokeAnswerer(F& answerer, const Q& query, Context& context) {
  if constexpr (std::is_invocable_v<F&, const Q&, Context&>) {
    return std::invoke(answerer, query, context);
  } else {
    return std::invoke(answerer, query);
  }
}
template <class Q, class F>
using AnswererResult = std::remove_cvref_t<decltype(InvokeAnswerer(
    std::declval<F&>(), std::declval<const Q&>(), std::declval<Context&>()))>;
template <class R>
inline constexpr bool kIsTask = false;
template <class T>
inline constexpr bool kIsTask<Task<T>> = true;

// The listener that an answerer is.
template <class Q, class F>
class AnsweringListener {
 public:
  AnsweringListener(AnswererHold hold, F answerer)
      : hold_(std::move(hold)), answerer_(std::move(answerer)) {}

  Failure operator()(const Q& query, Context& context) requires(!kIsTask<AnswererResult<Q, F>>) {
    const AnswerTurn turn = hold_.Begin(context);
    if (!turn.wanted()) return Failure::Unwanted(kUnwanted);
    using R = AnswererResult<Q, F>;
    if constexpr (std::is_void_v<R>) {
      static_assert(std::is_void_v<A>, "an answerer of this query returns its answer");
      InvokeAnswerer(answerer_, query, context);
      return turn.Now(AnyReply::Answered(nullptr));
    } else if constexpr (LaterAnswer<R>::value) {
      const R later = InvokeAnswerer(answerer_, query, context);
      turn.Promise();
      LaterAnswer<R>::Then(later, [turn](const auto& answer) { turn.Later(ReplyFrom<A>(answer)); });
      return {};
    } else {
      return turn.Now(ReplyFrom<A>(InvokeAnswerer(answerer_, query, context)));
    }
  }
  Task<Failure> operator()(const Q& query,
                           Context& context) requires kIsTask<AnswererResult<Q, F>> {
    const AnswerTurn turn = hold_.Begin(context);
    if (!turn.wanted()) co_return Failure::Unwanted(kUnwanted);
    auto answering = InvokeAnswerer(answerer_, query, context);
    if constexpr (std::is_same_v<decltype(answering), Task<>>) {
      co_await std::move(answering);
      co_return turn.Now(AnyReply::Answered(nullptr));
    } else {
      co_return turn.Now(ReplyFrom<A>(co_await std::move(answering)));
    }
  }

 private:
  using A = AnswerOf<Q>;
  static constexpr const char* kUnwanted = "nobody waits for the answer any more";

  AnswererHold hold_;
  F answerer_;
};

template <class Q, class F>
Subscription AnswerAs(Dispatcher& dispatcher, AnswererKind kind, F answerer,
                      ListenerOptions options, Site site) {
  Subscription subscription;
  AnswererHold hold(dispatcher, EventTypeOf<Q>(), kind, options.name, site, subscription);
  if (!hold) return subscription;
  const std::shared_ptr<Answerer> held = hold.answerer();
  subscription = dispatcher.Subscribe<Q>(
      AnsweringListener<Q, F>(std::move(hold), std::move(answerer)), std::move(options), site);
  SetListener(*held, subscription);
  return subscription;
}

}  // namespace belfry
