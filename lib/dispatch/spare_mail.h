// Mail that nobody needs now, to be used again.
#pragma once

#include <utility>

#include "dispatch/mailbox.h"

namespace belfry {

// Thread safety: none; its listener's mutex.
class SpareMail {
 public:
  SpareMail() = default;
  ~SpareMail() {
    while (first_ != nullptr) delete std::exchange(first_, first_->next_alike);
  }
  SpareMail(const SpareMail&) = delete;
  SpareMail& operator=(const SpareMail&) = delete;

  // Null when there is none.
  Mail* Take() {
    Mail* const mail = first_;
    if (mail != nullptr) first_ = std::exchange(mail->next_alike, nullptr);
    return mail;
  }
  void Keep(Mail& mail) {
    mail.publication = nullptr;
    mail.unkeyed = false;
    mail.attempts = 0;
    mail.ticket = 0;
    mail.timer = {};
    mail.first = false;
    mail.yields = false;
    mail.next_alike = std::exchange(first_, &mail);
  }

 private:
  Mail* first_ = nullptr;
};

}  // namespace belfry
