#include "dispatch/waiting_deliveries.h"

#include <memory>
#include <string>

#include "dispatch/topic.h"
#include "dispatch/topic_directory.h"

namespace belfry {
namespace {

void AddThoseOf(const MailboxListener& listener, std::vector<WaitingDelivery>& all) {
  WaitingMails seen;
  for (std::size_t i = 0, count = listener.SeeWaiting(seen); i < count; ++i) {
    all.push_back({std::string(listener.name()), seen[i].topic->type(), seen[i].event,
                   std::string(seen[i].waits_for.text())});
  }
}

}  // namespace

std::vector<WaitingDelivery> WaitingDeliveries(const TopicDirectory& topics) {
  std::vector<WaitingDelivery> all;
  topics.ForEach([&](Topic& topic) {
    MailboxListeners& listeners = topic.mailbox_listeners();
    ListenerId last = 0;
    while (const auto listener = listeners.NextAfter(last)) {
      last = listener->id();
      // One for several types is listed at home.
      if (&listener->topic() == &topic) AddThoseOf(*listener, all);
    }
    std::shared_ptr<MailboxListener> lingers;
    while ((lingers = listeners.lingering().NextAfter(lingers.get())) != nullptr) {
      AddThoseOf(*lingers, all);
    }
  });
  return all;
}

}  // namespace belfry
