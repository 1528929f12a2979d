// What a listener's user says of its mail: what stays in order, and what replaces what.
#pragma once

#include "belfry/event_key.h"
#include "dispatch/mailbox.h"

namespace belfry {

// Thread safety: none of its own; calls user code.
struct MailProjections {
  EventKey key{};
  EventKey same{};

  bool any() const { return key || same; }
  void Of(const void* event, Mail& mail) const {
    if (key) mail.key = key.NumberOf(event);
    if (same) same.Of(event, mail.same);
  }
};

}  // namespace belfry
