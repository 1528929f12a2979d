// The sign-up itself: checked, stored, completed.
#pragma once

#include "absl/status/status.h"

#include "belfry/context.h"
#include "belfry/files.h"
#include "belfry/library_events.h"
#include "signup/events.h"
#include "signup/open_sign_ups.h"
#include "signup/user_store.h"

namespace signup {

// The listeners that turn SignUpRequested into UserSignedUp.
//
// Thread safety: any thread. Blocking: Store and Complete wait for the store.
// Errors: what a listener returns as an error could not even be published as a SignUpFailed.
class SignUp {
 public:
  SignUp(OpenSignUps& open, UserStore& users) : open_(open), users_(users) {}

  // → SignUpAccepted
  absl::Status Validate(const SignUpRequested& request, belfry::Context& context);

  // → UserStored
  absl::Status Store(const SignUpAccepted& accepted, belfry::Context& context);

  // All three, in any order → UserSignedUp
  absl::Status Complete(const UserStored& stored, belfry::Context& context);
  absl::Status Complete(const belfry::FileReadFinished& read, belfry::Context& context);
  absl::Status Complete(const MailAccepted& accepted, belfry::Context& context);

  // One of the flow's listeners failed without a word → SignUpFailed
  absl::Status Rescue(const belfry::ListenerFailed& failed, belfry::Context& context);

 private:
  template <class E>
  absl::Status Add(const E& part, belfry::Context& context);
  absl::Status StoreFailed(const absl::Status& status, belfry::Context& context);

  OpenSignUps& open_;
  UserStore& users_;
};

}  // namespace signup
