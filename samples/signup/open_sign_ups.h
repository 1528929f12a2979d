// The sign-ups under way.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/files.h"
#include "signup/events.h"
#include "signup/join.h"

namespace signup {

// The sign-ups under way, each the story of one correlation id, and what they wait for. A sign-up
// ends once: in Finish, in Fail, or because `time_max` has passed.
//
// Thread safety: any thread. Lifetime: the dispatcher outlives it.
class OpenSignUps {
 public:
  struct Limits {
    std::size_t open_max = 1000;
    // Only what got lost takes that long (a listener that failed unheard): whoever asked was
    // answered by the HTTP server's own limit before.
    belfry::Nanoseconds time_max = std::chrono::seconds(60);
  };

  OpenSignUps(belfry::Dispatcher& dispatcher, Limits limits)
      : dispatcher_(dispatcher), limits_(limits) {}

  // False when `open_max` are open. Fails those that are older than `time_max`.
  bool Open(belfry::EventId story);

  // Publishes what happens next in the sign-up that `context` belongs to; if that is refused, the
  // sign-up fails. Errors: see Fail.
  template <class E>
  absl::Status Publish(belfry::Context& context, E event, belfry::PublishOptions options = {}) {
    const belfry::Cause cause = options.cause.value_or(context.envelope().AsCause());
    const belfry::PublishResult result = dispatcher_.Publish(std::move(event), std::move(options));
    return result.ok() ? absl::OkStatus() : Fail(cause, Refused(result));
  }

  // Ends a sign-up with `failure`; one that has ended already is left alone.
  // Errors: not even the failure could be published. The sign-up has ended without an answer.
  absl::Status Fail(const belfry::Cause& cause, SignUpFailed failure);

  // Ends a sign-up without a word.
  void Finish(belfry::EventId story) { Close(story); }

  std::size_t size() const;

  // What the mail is made of, and what must have happened for a user to have signed up.
  Join<UserStored, belfry::FileReadFinished>& welcome() { return welcome_; }
  Join<UserStored, belfry::FileReadFinished, MailAccepted>& completion() { return completion_; }

 private:
  static SignUpFailed Refused(belfry::PublishResult result);
  bool Close(belfry::EventId story);  // whether it was open
  std::vector<belfry::EventId> TooOld() const;

  belfry::Dispatcher& dispatcher_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::map<belfry::EventId, belfry::SteadyTime> opened_;
  Join<UserStored, belfry::FileReadFinished> welcome_;
  Join<UserStored, belfry::FileReadFinished, MailAccepted> completion_;
};

}  // namespace signup
