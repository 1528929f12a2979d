// What happens in a sign-up, in the order in which it happens when all goes well.
#pragma once

#include <string>

#include <boost/describe.hpp>

#include "belfry/event_type.h"

namespace signup {

// Somebody wants in. Nothing has been checked.
struct SignUpRequested {
  std::string email;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(SignUpRequested, (), (email, name))
BELFRY_EVENT_NAME(SignUpRequested, "signup.requested", 1);

// E-mail and name are well-formed: from here on they may go into rows and mails.
struct SignUpAccepted {
  std::string email;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(SignUpAccepted, (), (email, name))
BELFRY_EVENT_NAME(SignUpAccepted, "signup.accepted", 1);

// The user has a row, which is pending.
struct UserStored {
  std::string id;
  std::string email;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(UserStored, (), (id, email, name))
BELFRY_EVENT_NAME(UserStored, "signup.user_stored", 1);

// The welcome mail is written, but nobody has it yet.
struct WelcomeRendered {
  std::string id;  // the user's
  std::string message;
};
BOOST_DESCRIBE_STRUCT(WelcomeRendered, (), (id, message))
BELFRY_EVENT_NAME(WelcomeRendered, "signup.welcome_rendered", 1);

// The welcome mail lies in the mailbox and survives a power cut.
struct MailAccepted {
  std::string id;  // the user's
};
BOOST_DESCRIBE_STRUCT(MailAccepted, (), (id))
BELFRY_EVENT_NAME(MailAccepted, "signup.mail_accepted", 1);

// The row is active. Happens once in a user's life.
struct UserSignedUp {
  std::string id;
  std::string email;
};
BOOST_DESCRIBE_STRUCT(UserSignedUp, (), (id, email))
BELFRY_EVENT_NAME(UserSignedUp, "signup.user_signed_up", 1);

// The other end of a sign-up. Published at most once for each.
struct SignUpFailed {
  enum class Kind {
    kInvalid,      // the request cannot be granted as it is
    kDuplicate,    // the e-mail belongs to an active user
    kUnavailable,  // ours is the fault; asking again later resumes it
  };
  Kind kind = Kind::kUnavailable;
  std::string reason;  // for whoever asked
  std::string detail;  // for the operator; may name paths
};
BOOST_DESCRIBE_STRUCT(SignUpFailed, (), (kind, reason, detail))
BELFRY_EVENT_NAME(SignUpFailed, "signup.failed", 1);

}  // namespace signup
