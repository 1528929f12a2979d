// The welcome mail, made of a template and a user.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/context.h"
#include "belfry/files.h"
#include "signup/events.h"
#include "signup/open_sign_ups.h"

namespace signup {

// A whole mail: headers, and `text` with {{name}}, {{email}} and {{id}} filled in.
std::string WelcomeMessage(const UserStored& user, std::string_view text, belfry::WallTime now);

// The listeners that turn a stored user and a template into a mail.
//
// Thread safety: any thread. Errors: as in SignUp.
class Welcome {
 public:
  // `path`: the template's; read anew for each mail.
  Welcome(OpenSignUps& open, belfry::Files& files, std::string path)
      : open_(open), files_(files), path_(std::move(path)) {}

  // → FileReadFinished
  absl::Status ReadTemplate(const SignUpAccepted& accepted, belfry::Context& context);

  // Both, in any order → WelcomeRendered
  absl::Status Render(const UserStored& stored, belfry::Context& context);
  absl::Status Render(const belfry::FileReadFinished& read, belfry::Context& context);

 private:
  template <class E>
  absl::Status Add(const E& part, belfry::Context& context);
  absl::Status TemplateFailed(std::string detail, belfry::Context& context);

  OpenSignUps& open_;
  belfry::Files& files_;
  const std::string path_;
};

}  // namespace signup
