// Claims about what became of deliveries to listeners, by name.

#include <algorithm>
#include <functional>
#include <memory>
#include <sstream>
#include <utility>

#include "belfry/testing/matchers.h"
#include "belfry/testing/show.h"
#include "testing/claim.h"

namespace belfry::testing {
namespace {

std::string DescribeText(const TextMatcher& what) {
  std::ostringstream text;
  what.DescribeTo(&text);
  return text.str() == "is anything" ? "" : " with a text that " + text.str();
}

// Calls `use` with each delivery to listeners of that name.
void ForEachTo(const Record& record, std::string_view listener,
               const std::function<void(DeliveryPlace, const RecordedDelivery&)>& use) {
  for (std::size_t i = 0; i < record.events.size(); ++i) {
    const std::vector<RecordedDelivery>& deliveries = record.events[i].deliveries;
    for (std::size_t j = 0; j < deliveries.size(); ++j) {
      if (deliveries[j].name == listener) use({i, j}, deliveries[j]);
    }
  }
}

// A claim about one listener that some of its deliveries must fulfil.
class ListenerClaim : public Claim {
 public:
  ListenerClaim(std::string_view listener, std::string text)
      : listener_(listener), text_(std::move(text)) {}

  std::string Describe() const final { return listener_ + " " + text_; }

  Verdict Judge(const Evidence& evidence) const final {
    if (auto unknown = OfUnknownName(evidence, listener_)) return std::move(*unknown);
    Verdict verdict;
    const Record& record = evidence.record;
    ForEachTo(record, listener_, [&](DeliveryPlace place, const RecordedDelivery& delivery) {
      if (Fits(evidence, place, delivery)) {
        verdict.deliveries.push_back(place);
        return;
      }
      verdict.rows.push_back({text_, Numbered(record, place.event) + ": " + Fate(record, place)});
    });
    verdict.holds = !verdict.deliveries.empty();
    if (verdict.holds) return verdict;
    verdict.seen = verdict.rows.empty() ? "it got nothing" : "it did not";
    if (verdict.rows.empty()) TellWhyNothing(evidence, verdict);
    if (verdict.nearest.empty()) verdict.nearest = Hint(evidence);
    return verdict;
  }

 protected:
  virtual bool Fits(const Evidence& evidence, DeliveryPlace place,
                    const RecordedDelivery& delivery) const = 0;
  // What else is to be said when it does not hold.
  virtual std::string Hint(const Evidence& /*evidence*/) const { return {}; }

 private:
  // What it listens to was published and has not come to it, or was not published.
  void TellWhyNothing(const Evidence& evidence, Verdict& verdict) const {
    if (evidence.listeners == nullptr) return;
    const std::vector<RecordedEvent>& events = evidence.record.events;
    for (const KnownListener& one : *evidence.listeners) {
      if (one.name != listener_) continue;
      for (std::size_t i = events.size(); i-- > 0;) {
        if (events[i].type != one.type || !WasPublished(events[i])) continue;
        verdict.nearest =
            "#" + std::to_string(i + 1) + ", but it " + FateOf(evidence, i, listener_);
        return;
      }
      TellWhyNever(evidence, one.type, verdict);
    }
  }

  const std::string listener_;
  const std::string text_;
};

class EndedClaim final : public ListenerClaim {
 public:
  EndedClaim(std::string_view listener, std::string text, DeliveryOutcome::Kind how,
             const TextMatcher& what)
      : ListenerClaim(listener, text + DescribeText(what)), how_(how), what_(what) {}

 private:
  bool Fits(const Evidence& /*evidence*/, DeliveryPlace /*place*/,
            const RecordedDelivery& delivery) const override {
    return delivery.ended && delivery.how == how_ && what_.Matches(delivery.what);
  }

  const DeliveryOutcome::Kind how_;
  const TextMatcher what_;
};

class RetriedClaim final : public ListenerClaim {
 public:
  RetriedClaim(std::string_view listener, unsigned times)
      : ListenerClaim(listener, "tried again " + Times(times)), times_(times) {}

 private:
  bool Fits(const Evidence& /*evidence*/, DeliveryPlace /*place*/,
            const RecordedDelivery& delivery) const override {
    return delivery.attempts == times_ + 1;
  }

  const unsigned times_;
};

class DeadLetteredClaim final : public ListenerClaim {
 public:
  DeadLetteredClaim(std::string_view listener, const TextMatcher& what)
      : ListenerClaim(listener, "left with a dead letter" + DescribeText(what)), what_(what) {}

 private:
  bool Fits(const Evidence& evidence, DeliveryPlace place,
            const RecordedDelivery& delivery) const override {
    if (evidence.dispatcher == nullptr) return false;
    const EventId event = evidence.record.events[place.event].id;
    const std::vector<DeadLetter> letters = evidence.dispatcher->dead_letters().List();
    return std::any_of(letters.begin(), letters.end(), [&](const DeadLetter& letter) {
      return letter.event_id == event && letter.listener_id == delivery.listener &&
             what_.Matches(letter.what);
    });
  }
  std::string Hint(const Evidence& evidence) const override {
    return evidence.dispatcher == nullptr ? "a recorder knows no dead letters; ask the world" : "";
  }

  const TextMatcher what_;
};

// --- Not at all ---

class NotCalledClaim final : public Claim {
 public:
  explicit NotCalledClaim(std::string_view listener) : listener_(listener) {}

  std::string Describe() const override { return listener_ + " not called"; }

  Verdict Judge(const Evidence& evidence) const override {
    if (auto unknown = OfUnknownName(evidence, listener_)) return std::move(*unknown);
    Verdict verdict;
    ForEachTo(evidence.record, listener_, [&](DeliveryPlace place, const RecordedDelivery& to) {
      const bool held_back = to.ended && to.how == DeliveryOutcome::Kind::kFiltered;
      if (to.attempts == 0 || held_back) return;
      verdict.rows.push_back({"not called", Numbered(evidence.record, place.event) + ": " +
                                                Fate(evidence.record, place)});
    });
    verdict.holds = verdict.rows.empty();
    verdict.seen = "called with " + std::to_string(verdict.rows.size()) +
                   (verdict.rows.size() == 1 ? " event" : " events");
    return verdict;
  }

 private:
  const std::string listener_;
};

}  // namespace

Expectation NotCalled(std::string_view listener) {
  return Expectation(std::make_shared<NotCalledClaim>(listener));
}
Expectation Failed(std::string_view listener, const TextMatcher& what) {
  return Expectation(std::make_shared<EndedClaim>(listener, "failed for good",
                                                  DeliveryOutcome::Kind::kFailed, what));
}
Expectation DeadLettered(std::string_view listener, const TextMatcher& what) {
  return Expectation(std::make_shared<DeadLetteredClaim>(listener, what));
}
Expectation Retried(std::string_view listener, unsigned times) {
  return Expectation(std::make_shared<RetriedClaim>(listener, times));
}
Expectation Dropped(std::string_view listener) {
  return Expectation(std::make_shared<EndedClaim>(listener, "lost an event for want of room",
                                                  DeliveryOutcome::Kind::kDropped, ::testing::_));
}
Expectation TimedOut(std::string_view listener) {
  return Expectation(std::make_shared<EndedClaim>(listener, "too late for an event",
                                                  DeliveryOutcome::Kind::kExpired, ::testing::_));
}

}  // namespace belfry::testing
