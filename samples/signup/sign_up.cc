#include "signup/sign_up.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "signup/validation.h"

namespace signup {
namespace {

using belfry::Context;

SignUpFailed Duplicate() {
  return {SignUpFailed::Kind::kDuplicate, "this e-mail address has signed up already", ""};
}

}  // namespace

absl::Status SignUp::Validate(const SignUpRequested& request, Context& context) {
  const belfry::Cause cause = context.envelope().AsCause();
  if (!open_.Open(cause.correlation)) {
    return context.dispatcher()
        .Publish(SignUpFailed{SignUpFailed::Kind::kUnavailable, "too many sign-ups at the moment",
                              "the limit of open sign-ups is reached"})
        .status();
  }
  absl::Status valid = CheckEmail(request.email);
  valid.Update(CheckName(request.name));
  if (!valid.ok()) {
    return open_.Fail(cause, {SignUpFailed::Kind::kInvalid, std::string(valid.message()), ""});
  }
  return open_.Publish(context, SignUpAccepted{request.email, request.name});
}

absl::Status SignUp::Store(const SignUpAccepted& accepted, Context& context) {
  absl::StatusOr<AddedUser> added = users_.AddPending(accepted.email, accepted.name);
  if (!added.ok()) return StoreFailed(added.status(), context);
  if (added->state == AddedUser::State::kActive) {
    return open_.Fail(context.envelope().AsCause(), Duplicate());
  }
  User& user = added->user;
  return open_.Publish(context,
                       UserStored{std::move(user.id), std::move(user.email), std::move(user.name)});
}

absl::Status SignUp::Complete(const UserStored& stored, Context& context) {
  return Add(stored, context);
}

absl::Status SignUp::Complete(const belfry::FileReadFinished& read, Context& context) {
  // That it could not be read is said by whoever renders it.
  return read.status.ok() ? Add(read, context) : absl::OkStatus();
}

absl::Status SignUp::Complete(const MailAccepted& accepted, Context& context) {
  return Add(accepted, context);
}

template <class E>
absl::Status SignUp::Add(const E& part, Context& context) {
  const auto all = open_.completion().Add(part, context.envelope());
  if (!all) return absl::OkStatus();

  const UserStored& user = all->template get<UserStored>();
  const absl::Status activated = users_.Activate(user.id);
  if (absl::IsAlreadyExists(activated)) {  // two asked for one address, and the other came first
    return open_.Fail(context.envelope().AsCause(), Duplicate());
  }
  if (!activated.ok()) return StoreFailed(activated, context);

  absl::Status published =
      open_.Publish(context, UserSignedUp{user.id, user.email}, {.links = all->earlier});
  open_.Finish(context.envelope().correlation_id());
  return published;
}

absl::Status SignUp::Rescue(const belfry::ListenerFailed& failed, Context& context) {
  // What only looks on, such as the audit log, may fail without harm to a sign-up.
  constexpr std::string_view kParts[] = {"signup.", "welcome.", "mail."};
  if (std::none_of(std::begin(kParts), std::end(kParts),
                   [&](std::string_view part) { return failed.listener.starts_with(part); })) {
    return absl::OkStatus();
  }
  return open_.Fail(context.envelope().AsCause(),
                    {SignUpFailed::Kind::kUnavailable, "something went wrong here",
                     failed.listener + ": " + failed.what});
}

absl::Status SignUp::StoreFailed(const absl::Status& status, Context& context) {
  return open_.Fail(
      context.envelope().AsCause(),
      {SignUpFailed::Kind::kUnavailable, "the users' store does not answer", status.ToString()});
}

}  // namespace signup
