// Mails, into the mailbox, once.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/context.h"
#include "belfry/files.h"
#include "signup/events.h"
#include "signup/mailbox.h"
#include "signup/open_sign_ups.h"

namespace signup {

// The listeners that turn a rendered mail into an accepted one. A user gets one welcome mail
// however often it is delivered: its name follows from the user's id, one that lies there is not
// written again, and a story that comes while another writes the same mail waits for that one.
//
// Thread safety: any thread. Blocking: Deliver, as Mailbox::Has does.
// Errors: as in SignUp.
class MailDelivery {
 public:
  MailDelivery(OpenSignUps& open, belfry::Files& files, const Mailbox& mailbox)
      : open_(open), files_(files), mailbox_(mailbox) {}

  // → FileWriteFinished, or at once MailAccepted
  absl::Status Deliver(const WelcomeRendered& mail, belfry::Context& context);

  // → MailAccepted
  absl::Status Accept(const belfry::FileWriteFinished& written, belfry::Context& context);

 private:
  struct Delivery {
    std::string id;                      // the user's
    std::vector<belfry::Cause> stories;  // that wait for it; the first one had it written
  };

  // Tells every story that waits for the mail at `path`.
  absl::Status Conclude(const std::string& path, const absl::Status& status,
                        belfry::Context& context);

  OpenSignUps& open_;
  belfry::Files& files_;
  const Mailbox& mailbox_;
  std::mutex mutex_;
  std::map<std::string, Delivery> deliveries_;  // by path in new/
};

}  // namespace signup
