#include "signup/welcome.h"

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"

namespace signup {

std::string WelcomeMessage(const User& user, std::string_view text, belfry::WallTime now) {
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

}  // namespace signup
