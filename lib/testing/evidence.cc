#include "testing/evidence.h"

#include <algorithm>
#include <set>
#include <utility>

#include "belfry/testing/show.h"
#include "belfry/testing/story.h"

namespace belfry::testing {

std::optional<DeliveryPlace> FindDelivery(const Record& record, EventId event,
                                          ListenerId listener) {
  for (std::size_t i = record.events.size(); i-- > 0;) {
    if (record.events[i].id != event) continue;
    const std::vector<RecordedDelivery>& deliveries = record.events[i].deliveries;
    for (std::size_t j = deliveries.size(); j-- > 0;) {
      if (deliveries[j].listener == listener) return DeliveryPlace{i, j};
    }
  }
  return std::nullopt;
}

std::string Numbered(const Record& record, std::size_t event) {
  return "#" + std::to_string(event + 1) + " " + Show(record.events[event]);
}
std::string NumberedWithSource(const Record& record, std::size_t event) {
  const std::string& by = record.events[event].by;
  return Numbered(record, event) + (by.empty() ? "" : ", published by " + by);
}

namespace {

using Kind = Happening::Kind;

// Whether a fault of the test is what made the last attempt of it fail.
bool WasInjected(const Record& record, DeliveryPlace place) {
  const std::string& name = record.events[place.event].deliveries[place.delivery].name;
  bool injected = false;
  bool running = false;
  for (const Happening& happening : record.happenings) {
    const bool own = happening.event == place.event && happening.delivery == place.delivery;
    if (happening.kind == Kind::kBegun && own) {
      injected = false;
      running = true;
    } else if (happening.kind == Kind::kNote && running) {
      injected |= happening.text.starts_with("fault: ") &&
                  happening.text.find(" of " + name + " ") != std::string::npos;
    } else if (own && (happening.kind == Kind::kEnded || happening.kind == Kind::kAttemptFailed)) {
      running = false;
    }
  }
  return injected;
}

// Why its last attempt failed; null when it has not.
const Happening* LastFailedAttempt(const Record& record, DeliveryPlace place) {
  const Happening* last = nullptr;
  for (const Happening& happening : record.happenings) {
    if (happening.event != place.event || happening.delivery != place.delivery) continue;
    if (happening.kind == Kind::kBegun) last = nullptr;
    if (happening.kind == Kind::kAttemptFailed) last = &happening;
  }
  return last;
}

}  // namespace

std::string Fate(const Record& record, DeliveryPlace place) {
  using How = DeliveryOutcome::Kind;
  const RecordedDelivery& delivery = record.events[place.event].deliveries[place.delivery];
  const std::string fault = WasInjected(record, place) ? " (an injected fault)" : "";
  if (!delivery.ended) {
    const Happening* const failed = LastFailedAttempt(record, place);
    return failed == nullptr ? "has not ended"
                             : "failed, and waits to be tried again: " + failed->text + fault;
  }
  switch (delivery.how) {
    case How::kHandled:
      return delivery.attempts > 1 ? "handled it at attempt " + std::to_string(delivery.attempts)
                                   : "handled it";
    case How::kFailed:
      return "failed" +
             (delivery.attempts > 1 ? " at attempt " + std::to_string(delivery.attempts) : "") +
             ": " + delivery.what + fault;
    case How::kFiltered:
      return "did not get it: " + delivery.what;
    case How::kRefused:
      return "refused it: its queue is full";
    case How::kDropped:
      return "lost it: its queue was full";
    case How::kCoalesced:
      return "did not get it: a later one took its place";
    case How::kExpired:
      return "did not get it: its deadline had passed";
    case How::kCancelled:
      return "did not get it: its subscription, or the dispatcher, had ended";
  }
  return "?";
}

namespace {

// Of a listener that has no part in an event, by what the dispatcher counts.
std::string WhyUntouched(const Evidence& evidence, const RecordedEvent& event,
                         std::string_view name) {
  if (evidence.dispatcher == nullptr) return "did not get it, or not yet";
  const Stats stats = evidence.dispatcher->GetStats();
  const auto found =
      std::find_if(stats.listeners.begin(), stats.listeners.end(), [&](const ListenerStats& one) {
        return one.name == name && (one.event_type == event.type || !one.selects.empty());
      });
  if (found == stats.listeners.end()) {
    const auto known = std::find_if(evidence.listeners->begin(), evidence.listeners->end(),
                                    [&](const KnownListener& one) { return one.name == name; });
    if (known == evidence.listeners->end()) return WhoIsThere(*evidence.listeners, name);
    if (known->type == event.type) return "did not get it: its subscription had ended";
    return "does not listen to " + std::string(ShortName(event.type)) + ", but to " +
           std::string(ShortName(known->type));
  }
  const DeliveryCounts& counts = found->deliveries;
  if (counts.queued == 0 && found->event_type != event.type) {
    return "did not get it, or not yet; it is for " + found->selects;
  }
  if (counts.queued == 0) return "did not get it: it was subscribed later";
  std::string text = "has not got it yet: " + std::to_string(counts.queued) +
                     (counts.queued == 1 ? " event is" : " events are") + " queued for it";
  if (counts.retrying > 0) {
    text += found->traits.keyed ? ", behind one of the same key that waits to be tried again"
                                : ", while one waits to be tried again";
  }
  return text;
}

}  // namespace

std::string FateOf(const Evidence& evidence, std::size_t event, std::string_view listener) {
  const RecordedEvent& given = evidence.record.events[event];
  for (std::size_t i = given.deliveries.size(); i-- > 0;) {
    if (given.deliveries[i].name == listener) return Fate(evidence.record, {event, i});
  }
  return WhyUntouched(evidence, given, listener);
}

namespace {

// How many letters one must change, add or leave out to get the other.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

bool HasName(const std::vector<KnownListener>& listeners, std::string_view name) {
  return std::any_of(listeners.begin(), listeners.end(),
                     [&](const KnownListener& one) { return one.name == name; });
}

std::string WhoIsThere(const std::vector<KnownListener>& listeners, std::string_view name) {
  if (listeners.empty()) return "is no listener; there are none";
  std::set<std::pair<std::size_t, std::string>> names;
  for (const KnownListener& one : listeners) names.emplace(Distance(one.name, name), one.name);
  const auto& [distance, nearest] = *names.begin();
  if (distance <= 2) return "is no listener; do you mean " + nearest + "?";
  std::vector<std::string> nearest_first;
  nearest_first.reserve(names.size());
  for (const auto& [unused, one] : names) nearest_first.push_back(one);
  return "is no listener; there are: " + Enumerate(nearest_first);
}

std::vector<std::string> NotHandledBy(const Evidence& evidence, std::size_t event,
                                      std::string_view besides) {
  std::vector<std::string> all;
  if (evidence.listeners == nullptr) return all;
  const RecordedEvent& given = evidence.record.events[event];
  std::set<std::string> told;
  for (const KnownListener& listener : *evidence.listeners) {
    if (listener.type != given.type || listener.name == besides) continue;
    if (!told.insert(listener.name).second) continue;
    const bool handled = std::any_of(given.deliveries.begin(), given.deliveries.end(),
                                     [&](const RecordedDelivery& delivery) {
                                       return delivery.name == listener.name && delivery.ended &&
                                              delivery.how == DeliveryOutcome::Kind::kHandled;
                                     });
    if (!handled) all.push_back(listener.name + " " + FateOf(evidence, event, listener.name));
  }
  return all;
}

std::vector<std::string> NothingCameTo(const Evidence& evidence) {
  std::vector<std::string> all;
  if (evidence.listeners == nullptr) return all;
  std::set<std::string> told;
  for (const KnownListener& listener : *evidence.listeners) {
    const auto& events = evidence.record.events;
    const bool came = std::any_of(events.begin(), events.end(), [&](const RecordedEvent& event) {
      return event.type == listener.type &&
             std::any_of(event.deliveries.begin(), event.deliveries.end(),
                         [&](const RecordedDelivery& one) { return one.name == listener.name; });
    });
    const std::string text = listener.name + " (" + std::string(ShortName(listener.type)) + ")";
    if (!came && told.insert(text).second) all.push_back(text);
  }
  return all;
}

std::vector<std::string> WaitingDeliveriesOf(const Evidence& evidence) {
  std::vector<std::string> all;
  const auto& events = evidence.record.events;
  for (const WaitingDelivery& delivery : evidence.dispatcher->WaitingDeliveries()) {
    const auto event = std::find_if(events.begin(), events.end(), [&](const RecordedEvent& one) {
      return one.id == delivery.event;
    });
    all.push_back(delivery.listener + " on " +
                  (event == events.end() ? std::string(ShortName(delivery.event_type))
                                         : Numbered(evidence.record, static_cast<std::size_t>(
                                                                         event - events.begin()))) +
                  " for " + (delivery.waits_for.empty() ? "its turn" : delivery.waits_for));
  }
  return all;
}

std::string Enumerate(const std::vector<std::string>& all, std::string_view separator) {
  constexpr std::size_t kMax = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kMax); ++i) {
    if (i > 0) text += separator;
    text += all[i];
  }
  if (all.size() > kMax) {
    text += std::string(separator) + "and " + std::to_string(all.size() - kMax) + " more";
  }
  return text;
}

}  // namespace belfry::testing
