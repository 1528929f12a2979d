#include "dispatch/subscribe_error.h"

#include <algorithm>
#include <cctype>

#include "belfry/event_selection.h"
#include "dispatch/listener.h"
#include "dispatch/mailbox_traits.h"

namespace belfry {
namespace {

std::string AboutName(const std::string& name) {
  if (name.size() > kListenerNameMax) {
    return "a listener's name has " + std::to_string(name.size()) + " bytes, at most " +
           std::to_string(kListenerNameMax) + " are allowed";
  }
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::iscntrl(c) != 0; })) {
    return "a listener's name has a control character in it";
  }
  return {};
}

std::string AboutQueue(const ListenerOptions& options) {
  if (options.queue.events_max == 0 || options.queue.bytes_max == 0) {
    return "its queue's limit is 0: nothing would ever fit";
  }
  if (options.overflow.patience < Nanoseconds::zero()) return "Overflow::patience is negative";
  if (options.concurrency == 0) return "with a concurrency of 0 none of its events may run";
  const bool coalesces = options.overflow.policy == Overflow::Policy::kCoalesce;
  if (coalesces != static_cast<bool>(options.overflow.same)) {
    return "Overflow::same is what kCoalesce goes by, and nothing else";
  }
  if (coalesces && !options.overflow.same.exact()) {
    return "it coalesces by a key that is neither a number, an enumerator nor a text, so events "
           "with different keys could replace each other";
  }
  return {};
}

// An inline listener runs inside of the publish.
std::string AboutInline(const ListenerOptions& options) {
  if (options.run != Run::kInline) return {};
  if (options.executor != nullptr) {
    return "an inline listener runs on the publishing thread, so an executor means nothing";
  }
  if (MailboxTraits::Needed(options)) {
    return "an inline listener has no queue, so a key, a concurrency, lanes, what to drop, a "
           "retry, a deadline, dead letters and sticky events mean nothing";
  }
  return {};
}

std::string AboutFailures(const ListenerOptions& options) {
  const Retry& retry = options.retry;
  if (retry.attempts_max == 0) return "Retry::attempts_max is 0: the first attempt is one, too";
  if (retry.delay < Nanoseconds::zero() || retry.delay_max < Nanoseconds::zero()) {
    return "a delay of its Retry is negative";
  }
  if (retry.ordered && retry.attempts_max == 1) {
    return "Retry::ordered means nothing with one attempt";
  }
  if (retry.ordered && options.concurrency > 1 && !options.key) {
    return "Retry::ordered means nothing where events run at the same time and have no key";
  }
  if (options.once && retry.attempts_max > 1) {
    return "one that is called once cannot try again";
  }
  if (options.deadline < Nanoseconds::zero()) return "its deadline is negative";
  const Quarantine& quarantine = options.quarantine;
  if ((quarantine.failures > 0) != (quarantine.within > Nanoseconds::zero())) {
    return "Quarantine is so many failures within some time: both must be above 0, or neither";
  }
  return {};
}

// Projections are made for one event type.
std::string AboutTypes(const ListenerOptions& options, EventType type) {
  const auto differs = [&](const char* what, EventType taken) {
    return std::string(what) + " takes " + std::string(taken.name()) + ", the listener " +
           std::string(type.name());
  };
  if (options.filter && options.filter.type() != type) {
    return differs("the filter", options.filter.type());
  }
  if (options.key && options.key.type() != type) return differs("the key", options.key.type());
  const EventKey& same = options.overflow.same;
  if (same && same.type() != type) return differs("the key to coalesce by", same.type());
  return {};
}

}  // namespace

std::string Complaint(const ListenerOptions& options, EventType type) {
  std::string about = AboutName(options.name);
  if (!about.empty()) return about;
  about = AboutInline(options);
  if (about.empty()) about = AboutQueue(options);
  if (about.empty()) about = AboutFailures(options);
  if (about.empty()) about = AboutTypes(options, type);
  return about.empty() ? about : "listener \"" + options.name + "\": " + about;
}

std::string Complaint(const ListenerOptions& options, const EventSelection& selection) {
  std::string about = selection.Complaint();
  if (options.run == Run::kInline) {
    about = "an inline listener is called by the publishes of one event type; subscribe it to each";
  }
  if (options.sticky) {
    about = "of several event types each may have a sticky event; subscribe it to one";
  }
  if (options.order.asked()) {
    about =
        "one for several event types comes behind those that are for one, so an order means "
        "nothing";
  }
  return about.empty() ? about : "listener \"" + options.name + "\": " + about;
}

}  // namespace belfry
