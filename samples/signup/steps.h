// The steps of a sign-up, as plain functions. Both flows are made of them: flow_by_events.h and
// flow_as_story.h.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "belfry/files.h"
#include "belfry/publisher.h"
#include "signup/events.h"
#include "signup/mailbox.h"
#include "signup/user_store.h"

namespace signup {

// What a step throws that fails: how the sign-up ends.
class SignUpError final : public std::runtime_error {
 public:
  explicit SignUpError(SignUpFailed failed)
      : std::runtime_error(failed.reason), failed_(std::move(failed)) {}

  const SignUpFailed& failed() const { return failed_; }

 private:
  SignUpFailed failed_;
};

// --- How a sign-up may fail ---

SignUpFailed TooMuchToDo(const absl::Status& refused);
SignUpFailed TookTooLong(std::string what);  // did not happen in time
SignUpFailed MailNotDelivered(const absl::Status& status);
SignUpFailed Unexpected(std::string what);  // for what is no SignUpError

// --- Steps; they throw a SignUpError ---

// E-mail and name are well-formed.
void Validate(const SignUpRequested& request);

// The row of a user who has not signed up yet, made if there is none. Blocking.
AddedUser AddPending(UserStore& users, const std::string& email, const std::string& name);

// The template that was read.
const std::string& TemplateOf(const belfry::FileReadFinished& read);

// The row is active. Blocking.
void Activate(UserStore& users, const std::string& id);

template <class E>
void Publish(const belfry::Publisher& publisher, E event, belfry::PublishOptions options = {}) {
  const belfry::PublishResult result = publisher.Publish(std::move(event), std::move(options));
  if (!result.ok()) throw SignUpError(TooMuchToDo(result.status()));
}

// --- The mail ---

// Its name follows from the user's id, so a user never has two.
std::string WelcomeMailOf(const std::string& id);

// Written aside, renamed when it is complete, and synchronised. Not twice at once.
belfry::FileRequest<belfry::FileWriteFinished> WriteMail(belfry::Files& files,
                                                         const Mailbox& mailbox,
                                                         const std::string& id,
                                                         std::string message);

// --- Undo ---

// Takes a pending row back, unless its mail was delivered: who has a mail has a row. Blocking.
// Errors: UNAVAILABLE and the like; the row stays pending, and the next start resumes it.
absl::Status RemoveUnlessMailed(UserStore& users, const Mailbox& mailbox, const std::string& id);

}  // namespace signup
