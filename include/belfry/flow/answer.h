// Answering: the listener that says what the reply to a query is.
//
//   belfry::Subscription finder = belfry::Answer(
//       dispatcher,
//       [&](const FindUser& query) -> absl::StatusOr<User> { return users.Find(query.email); },
//       {.name = "users.find"});
//   belfry::Subscription remover = belfry::Answer(  // a command: `using Answer = void`
//       dispatcher, [&](const RemoveUser& command) { return users.Remove(command.email); });
//
// An answer that comes later is a Completion, for instance the reply to a further question:
//
//   belfry::Subscription greeter = belfry::Answer(dispatcher, [&](const GreetingOf& query) {
//     const belfry::Completion<absl::StatusOr<std::string>> greeting;
//     belfry::Ask(dispatcher, FindUser{query.email}).Then([greeting](const auto& user) {
//       if (user.ok()) {
//         greeting.Finish("Hello, " + user->name);
//       } else {
//         greeting.Finish(user.status());
//       }
//     });
//     return greeting;
//   });
#pragma once

#include <utility>

#include "belfry/dispatcher.h"
#include "belfry/flow/answer_body.h"
#include "belfry/listener_options.h"
#include "belfry/listener_signature.h"
#include "belfry/site.h"
#include "belfry/subscription.h"

namespace belfry {

// Registers the one answerer of Q on this dispatcher: a callable for `const Q&` or `(const Q&,
// Context&)` that returns what is answered, AnswerOf<Q>; an absl::StatusOr or Reply of it; or a
// Completion of one of these, which is not tried again when it fails; or a Task of one of these
// (task.h), whose delivery lasts until it has answered. Of a command it returns void, absl::Status,
// Reply<void>, a Completion of the latter two, or a Task.
//
// It is a listener like others, with all their options. What it throws, or an error that it
// returns, is its failure (ListenerFailed, retries, dead letters) and the asker's reply. A query
// that was published, not asked, is answered to nobody; one whose asker waits no more is passed
// over.
//
// Thread safety: any thread.
// Lifetime: until the subscription ends. A Reset cancels what it has not answered yet, also what
// was to be answered later. A callable that replaces it (Replace) is a listener, and no answerer.
// Errors: as Dispatcher::Subscribe. A second answerer is refused: its status() is ALREADY_EXISTS
// and names the first one.
template <class F>
requires requires { typename EventOfListener<F>; }
[[nodiscard]] Subscription Answer(Dispatcher& dispatcher, F answerer, ListenerOptions options = {},
                                  Site site = Site::Here()) {
  return AnswerAs<EventOfListener<F>>(dispatcher, AnswererKind::kOnly, std::move(answerer),
                                      std::move(options), site);
}
// For a generic one: Answer<FindUser>(dispatcher, [](auto& query) ...).
template <class Q, class F>
[[nodiscard]] Subscription Answer(Dispatcher& dispatcher, F answerer, ListenerOptions options = {},
                                  Site site = Site::Here()) {
  return AnswerAs<Q>(dispatcher, AnswererKind::kOnly, std::move(answerer), std::move(options),
                     site);
}

// The same for one answerer of several, for Gather (gather.h). A query has either one answerer or
// several: what is begun otherwise is refused in the same way.
template <class F>
requires requires { typename EventOfListener<F>; }
[[nodiscard]] Subscription AnswerAmongOthers(Dispatcher& dispatcher, F answerer,
                                             ListenerOptions options = {},
                                             Site site = Site::Here()) {
  return AnswerAs<EventOfListener<F>>(dispatcher, AnswererKind::kOneOfMany, std::move(answerer),
                                      std::move(options), site);
}

}  // namespace belfry
