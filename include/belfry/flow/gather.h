// Asking many: the answers of all who have one.
//
//   struct PriceOf {
//     using Answer = int;
//     std::string pizza;
//   };
//
// has several answerers:
//
//   belfry::Subscription mario = belfry::AnswerAmongOthers(
//       dispatcher, [](const PriceOf&) { return 9; }, {.name = "mario"});
//   belfry::Subscription luigi = belfry::AnswerAmongOthers(
//       dispatcher, [](const PriceOf&) { return 8; }, {.name = "luigi"});
//   belfry::Gather(dispatcher, PriceOf{"margherita"}, {.within = std::chrono::seconds(1)})
//       .Then([&](const belfry::Gathered<int>& prices) {
//         for (const auto& price : prices.replies) {
//           if (price.reply.ok()) Show(price.name, *price.reply);
//         }
//       });
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "belfry/ambient_context.h"
#include "belfry/completion.h"
#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/flow/ask.h"
#include "belfry/flow/reply.h"
#include "belfry/publish_result.h"
#include "belfry/publisher.h"

namespace belfry {

// What became of the query with one answerer; listener 0 is none.
template <class R>
struct ReplyBy {
  ListenerId listener = 0;
  std::string name{};
  R reply;
};
using AnsweredBy = ReplyBy<AnyReply>;

// The replies, in the order in which the answerers subscribed.
template <class T>
struct Gathered {
  PublishResult result{};  // refused: nobody was asked
  std::vector<ReplyBy<Reply<T>>> replies{};

  // Whether it was accepted, and everybody who was asked has answered.
  bool ok() const {
    return result.ok() && std::all_of(replies.begin(), replies.end(),
                                      [](const auto& by) { return by.reply.ok(); });
  }
};

// How Gather is told the replies: once, with the context that the query has made.
using RepliesTold =
    std::function<void(const AmbientContext&, PublishResult, std::vector<AnsweredBy>)>;
BELFRY_EXPORT void GatherErased(const Publisher& publisher, EventType type, EventHandle query,
                                AskOptions options, RepliesTold told);

// Publishes `query`, and finishes when all who answer it (AnswerAmongOthers, or the one of Answer)
// have answered or failed for good, or the time is up: who has not answered by then is kTimedOut.
// Who begins to answer meanwhile may or may not be among them. All else as Ask.
template <class Given>
auto Gather(const Publisher& publisher, Given&& query, AskOptions options = {}) {
  using T = AnswerOf<PublishedAs<Given>>;
  const Completion<Gathered<T>> gathered;
  const auto told = [gathered](const AmbientContext& context, PublishResult result,
                               std::vector<AnsweredBy> replies) {
    Gathered<T> all{result};
    for (AnsweredBy& by : replies) {
      all.replies.push_back({by.listener, std::move(by.name), Reply<T>(std::move(by.reply))});
    }
    gathered.FinishIn(context, std::move(all));
  };
  WithEvent(std::forward<Given>(query), [&](EventType type, EventHandle handle) {
    GatherErased(publisher, type, handle, std::move(options), told);
  });
  return gathered;
}

}  // namespace belfry
