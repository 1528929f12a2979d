// Mails, into the mailbox, once.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "belfry/envelope.h"
#include "belfry/files.h"
#include "belfry/publisher.h"
#include "signup/events.h"
#include "signup/mailbox.h"
#include "signup/open_sign_ups.h"
#include "signup/pending_rows.h"

namespace signup {

// The steps by events that turn a rendered mail into an accepted one. A user gets one welcome mail
// however often it is delivered: its name follows from the user's id, one that lies there is not
// written again, and a story that comes while another writes the same mail waits for that one.
// While it is on its way its row is held: what becomes of that depends on what becomes of the mail.
//
// Thread safety: any thread. Blocking: as the mailbox and the store. Called in deliveries of these
// events.
class MailDelivery {
 public:
  MailDelivery(OpenSignUps& open, PendingRows& rows, belfry::Publisher publisher,
               belfry::Files& files, const Mailbox& mailbox)
      : open_(open),
        rows_(rows),
        publisher_(std::move(publisher)),
        files_(files),
        mailbox_(mailbox) {}

  // → FileWriteFinished, or at once MailAccepted
  void Deliver(const WelcomeRendered& mail);

  // → MailAccepted
  void Accept(const belfry::FileWriteFinished& written);

 private:
  struct Delivery {
    std::string id;                      // the user's
    std::vector<belfry::Cause> stories;  // that wait for it; the first one had it written
  };

  // Tells every story that waits for the mail at `path`.
  void Conclude(const std::string& path, const absl::Status& status);
  void Tell(const std::string& id, const belfry::Cause& cause, std::vector<belfry::EventId> links);

  OpenSignUps& open_;
  PendingRows& rows_;
  const belfry::Publisher publisher_;
  belfry::Files& files_;
  const Mailbox& mailbox_;
  std::mutex mutex_;
  std::map<std::string, Delivery> deliveries_;  // by path in new/
};

}  // namespace signup
