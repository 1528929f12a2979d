// Asking: an event with exactly one answer.
//
//   struct FindUser {
//     using Answer = User;
//     std::string email;
//   };
//
// says what is answered to it, and is asked so:
//
//   belfry::Completion<belfry::Reply<User>> found =
//       belfry::Ask(dispatcher, FindUser{"ada@example.org"}, {.within = std::chrono::seconds(2)});
//   found.Then([&](const belfry::Reply<User>& user) {
//     if (user.ok()) Greet(user->name);
//   });
//
// A command is a query without a value: `using Answer = void`. Its reply says whether it was done.
#pragma once

#include <functional>
#include <stop_token>
#include <utility>

#include "belfry/ambient_context.h"
#include "belfry/clock.h"
#include "belfry/completion.h"
#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/flow/reply.h"
#include "belfry/publish_options.h"
#include "belfry/publisher.h"

namespace belfry {

struct AskOptions {
  // How long to wait for the answer, from when the query was accepted. Zero: for as long as it
  // takes.
  Nanoseconds within{};
  // Lets go of the query: the reply is kCancelled at once. It stays where it is queued, but is not
  // begun any more, as after the time-out.
  std::stop_token stop{};
  PublishOptions publish{};
};

// How Ask is told its reply: once, with the context that the query has made.
using ReplyTold = std::function<void(const AmbientContext&, AnyReply)>;
BELFRY_EXPORT void AskErased(const Publisher& publisher, EventType type, EventHandle query,
                             AskOptions options, ReplyTold told);

// Publishes `query`, which everybody who listens to it gets like any other event: one of them is
// the answerer (answer.h), who says what the reply is.
//
// The reply comes exactly once: as soon as the answerer has answered or failed for good, retries
// included, or cannot any more; see ReplyCode. An answer that comes later is told as AnswerLate.
// What the reply is told to (Completion::Then) is caused by the query, and has its baggage.
//
// Thread safety: any thread, and inside any listener. Then is called on the answerer's thread, in
// its delivery; at the time-out where the dispatcher's timers call back, so it must be quick.
// Order: the query's is that of a publish.
// Blocking: as Publish. Completion::Wait may be called on a pool's thread, even its only one: a
// spare one answers. On a synchronous dispatcher, an inline one, or a World, what was asked inside
// of a delivery may need its end: use Then.
// Lifetime: may be asked when the dispatcher is gone: the reply is kCancelled.
// Errors: throws std::bad_alloc and what the query's move throws, with nothing published.
template <class Given>
auto Ask(const Publisher& publisher, Given&& query, AskOptions options = {}) {
  using Q = PublishedAs<Given>;
  using R = Reply<AnswerOf<Q>>;
  const Completion<R> reply;
  WithEvent(std::forward<Given>(query), [&](EventType type, EventHandle handle) {
    AskErased(publisher, type, handle, std::move(options),
              [reply](const AmbientContext& context, AnyReply told) {
                reply.FinishIn(context, R(std::move(told)));
              });
  });
  return reply;
}

}  // namespace belfry
