#include "signup/welcome.h"

#include <utility>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"

namespace signup {

using belfry::Context;

std::string WelcomeMessage(const UserStored& user, std::string_view text, belfry::WallTime now) {
  const std::string date =
      absl::FormatTime(absl::RFC1123_full, absl::FromChrono(now), absl::UTCTimeZone());
  return "From: Sign-up <welcome@signup.example>\n"
         "To: " +
         user.email +
         "\n"
         "Subject: Welcome\n"
         "Date: " +
         date +
         "\n"
         "Message-ID: <" +
         user.id +
         "@signup.example>\n"
         "MIME-Version: 1.0\n"
         "Content-Type: text/plain; charset=utf-8\n"
         "Content-Transfer-Encoding: 8bit\n"
         "\n" +
         // One pass: a name that reads "{{id}}" stays what it is.
         absl::StrReplaceAll(
             {text.data(), text.size()},
             {{"{{name}}", user.name}, {"{{email}}", user.email}, {"{{id}}", user.id}});
}

absl::Status Welcome::ReadTemplate(const SignUpAccepted&, Context& context) {
  if (files_.Read(path_)) return absl::OkStatus();
  return TemplateFailed("no more files can be read at the moment", context);
}

absl::Status Welcome::Render(const UserStored& stored, Context& context) {
  return Add(stored, context);
}

absl::Status Welcome::Render(const belfry::FileReadFinished& read, Context& context) {
  if (read.status.ok()) return Add(read, context);
  return TemplateFailed(read.status.ToString(), context);
}

template <class E>
absl::Status Welcome::Add(const E& part, Context& context) {
  const auto both = open_.welcome().Add(part, context.envelope());
  if (!both) return absl::OkStatus();
  const UserStored& user = both->template get<UserStored>();
  const std::string& text = both->template get<belfry::FileReadFinished>().content;
  return open_.Publish(
      context,
      WelcomeRendered{user.id, WelcomeMessage(user, text, context.envelope().publish_time())},
      {.links = both->earlier});
}

absl::Status Welcome::TemplateFailed(std::string detail, Context& context) {
  return open_.Fail(
      context.envelope().AsCause(),
      {SignUpFailed::Kind::kUnavailable, "the welcome mail cannot be written", std::move(detail)});
}

}  // namespace signup
