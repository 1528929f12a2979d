#include "signup/steps.h"

#include "absl/status/statusor.h"

#include "signup/validation.h"

namespace signup {
namespace {

using Kind = SignUpFailed::Kind;

SignUpFailed Duplicate() {
  return {Kind::kDuplicate, "this e-mail address has signed up already", ""};
}

SignUpFailed StoreFailed(const absl::Status& status) {
  return {Kind::kUnavailable, "the users' store does not answer", status.ToString()};
}

}  // namespace

SignUpFailed TooMuchToDo(const absl::Status& refused) {
  return {Kind::kUnavailable, "too much to do at the moment", std::string(refused.message())};
}

SignUpFailed TookTooLong(std::string what) {
  return {Kind::kUnavailable, "the sign-up took too long", std::move(what) + " did not happen"};
}

SignUpFailed MailNotDelivered(const absl::Status& status) {
  return {Kind::kUnavailable, "the welcome mail could not be delivered", status.ToString()};
}

SignUpFailed Unexpected(std::string what) {
  return {Kind::kUnavailable, "something went wrong here", std::move(what)};
}

void Validate(const SignUpRequested& request) {
  absl::Status valid = CheckEmail(request.email);
  valid.Update(CheckName(request.name));
  if (!valid.ok()) throw SignUpError({Kind::kInvalid, std::string(valid.message()), ""});
}

AddedUser AddPending(UserStore& users, const std::string& email, const std::string& name) {
  absl::StatusOr<AddedUser> added = users.AddPending(email, name);
  if (!added.ok()) throw SignUpError(StoreFailed(added.status()));
  if (added->state == AddedUser::State::kActive) throw SignUpError(Duplicate());
  return *std::move(added);
}

const std::string& TemplateOf(const belfry::FileReadFinished& read) {
  if (read.status.ok()) return read.content;
  throw SignUpError(
      {Kind::kUnavailable, "the welcome mail cannot be written", read.status.ToString()});
}

void Activate(UserStore& users, const std::string& id) {
  const absl::Status activated = users.Activate(id);
  // Two asked for one address, and the other one came first.
  if (absl::IsAlreadyExists(activated)) throw SignUpError(Duplicate());
  if (!activated.ok()) throw SignUpError(StoreFailed(activated));
}

std::string WelcomeMailOf(const std::string& id) { return "welcome." + id; }

belfry::FileRequest<belfry::FileWriteFinished> WriteMail(belfry::Files& files,
                                                         const Mailbox& mailbox,
                                                         const std::string& id,
                                                         std::string message) {
  const std::string mail = WelcomeMailOf(id);
  return files.Write(mailbox.NewPath(mail), std::move(message),
                     {.temporary = mailbox.TmpPath(mail), .durable = true});
}

absl::Status RemoveUnlessMailed(UserStore& users, const Mailbox& mailbox, const std::string& id) {
  const absl::StatusOr<bool> mailed = mailbox.Has(WelcomeMailOf(id));
  if (!mailed.ok()) return mailed.status();
  return *mailed ? absl::OkStatus() : users.RemovePending(id);
}

}  // namespace signup
