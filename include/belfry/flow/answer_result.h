// What an answerer returns, and what else it could be.
//
// Users need nothing from this header, but who answers with something else that comes later.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "belfry/completion.h"
#include "belfry/export.h"
#include "belfry/flow/reply.h"
#include "belfry/status_fwd.h"

namespace belfry {

BELFRY_EXPORT AnyReply ReplyOf(const absl::Status& status);

template <class R>
concept HasStatusAndValue = requires(R& result) {
  result.ok();
  result.status();
  *result;
};

// What an answerer returns, as a reply.
template <class A, class R>
AnyReply ReplyFrom(R&& returned) {
  using Returned = std::remove_cvref_t<R>;
  if constexpr (std::is_base_of_v<AnyReply, Returned>) {
    static_assert(std::is_same_v<Returned, Reply<A>>, "this is the reply to another query");
    return returned;
  } else if constexpr (std::is_void_v<A>) {
    static_assert(std::is_same_v<Returned, absl::Status>, "a command is answered by a Status");
    return ReplyOf(returned);
  } else if constexpr (HasStatusAndValue<Returned> && !std::is_same_v<Returned, A>) {
    if (!returned.ok()) return ReplyOf(returned.status());
    return AnyReply::Answered(std::make_shared<const A>(*std::forward<R>(returned)));
  } else {
    static_assert(std::is_convertible_v<R&&, A>, "this is no answer to the query");
    return AnyReply::Answered(std::make_shared<const A>(std::forward<R>(returned)));
  }
}

// Answers that come later. Specialise it for what else can be waited for.
template <class R>
struct LaterAnswer : std::false_type {};
template <class T>
struct LaterAnswer<Completion<T>> : std::true_type {
  template <class Told>
  static void Then(const Completion<T>& later, Told told) {
    later.Then(std::move(told));
  }
};

}  // namespace belfry
