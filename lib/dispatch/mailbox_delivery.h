// What a delivery out of a mailbox works with.
#pragma once

#include <cstdint>
#include <memory>

#include "belfry/clock.h"
#include "dispatch/rate_limit.h"

namespace belfry {

class MailboxListener;
class Runnable;
struct CallableInUse;
struct Mail;

struct MailboxDelivery {
  Mail* mail = nullptr;  // null when there is none
  CallableInUse* callable = nullptr;
  bool muted = false;
  bool expired = false;
  bool goes_on = false;  // it has begun before
};

// A place in the list of those who have something to deliver outside of a synchronous dispatcher's
// turns.
struct DueListener {
  bool listed = false;
  std::shared_ptr<MailboxListener> next{};
};

// What became of an event that was given to a mailbox.
struct MailGiven {
  bool offered = false;  // it has got it
  bool queued = false;   // the mail is the listener's
  Runnable* to_post = nullptr;
};

// How often its losses were told of.
struct LossesTold {
  RateLimit drops;
  RateLimit expiries;
};

// One that has failed and waits to be tried again.
struct ParkedMail {
  Mail* mail = nullptr;
  std::uint64_t ticket = 0;  // the mail's meanwhile
  Nanoseconds delay{};
};

}  // namespace belfry
