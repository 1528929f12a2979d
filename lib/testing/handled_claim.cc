// The claim that a listener has handled an event: by whom, after whom, because of what.

#include <algorithm>
#include <memory>
#include <utility>

#include "belfry/testing/matchers.h"
#include "belfry/testing/show.h"
#include "testing/claim.h"

namespace belfry::testing {
namespace {

std::string Number(std::size_t event) { return "#" + std::to_string(event + 1); }

// Where in the record a delivery began (its first attempt) or ended; 0 when it did so before the
// record was cleared.
std::size_t MomentOf(const Record& record, DeliveryPlace place, Happening::Kind kind) {
  for (std::size_t i = 0; i < record.happenings.size(); ++i) {
    const Happening& happening = record.happenings[i];
    if (happening.kind == kind && happening.event == place.event &&
        happening.delivery == place.delivery) {
      return i + 1;
    }
  }
  return 0;
}

bool WasHandled(const RecordedDelivery& delivery) {
  return delivery.ended && delivery.how == DeliveryOutcome::Kind::kHandled;
}

class HandledClaim final : public Claim {
 public:
  explicit HandledClaim(HandledConditions conditions) : wanted_(std::move(conditions)) {}

  std::string Describe() const override {
    const bool any_number = wanted_.count.min == 1 && wanted_.count.max == Count::kNoLimit;
    if (wanted_.count.max == 0) return wanted_.pattern.Describe() + " not handled" + Conditions();
    return wanted_.pattern.Describe() + " handled" +
           (any_number ? "" : " " + Times(wanted_.count)) + Conditions();
  }

  Verdict Judge(const Evidence& evidence) const override {
    for (const std::optional<std::string>& name : {wanted_.by, wanted_.after}) {
      if (!name.has_value()) continue;
      if (auto unknown = OfUnknownName(evidence, *name)) return std::move(*unknown);
    }
    const Record& record = evidence.record;
    Verdict verdict;
    for (std::size_t i = 0; i < record.events.size(); ++i) {
      if (!record.events[i].result.ok() || !wanted_.pattern.Matches(record.events[i])) continue;
      for (std::size_t j = 0; j < record.events[i].deliveries.size(); ++j) {
        if (Miss(record, {i, j}).empty()) verdict.deliveries.push_back({i, j});
      }
    }
    verdict.holds = wanted_.count.Has(verdict.deliveries.size());
    if (!verdict.holds) Explain(evidence, verdict);
    return verdict;
  }

 private:
  std::string Conditions() const {
    return (wanted_.by ? " by " + *wanted_.by : "") +
           (wanted_.after ? " after " + *wanted_.after : "") +
           (wanted_.cause ? " because of " + wanted_.cause->Describe() : "");
  }

  // Why that delivery of a matching event is not what is wanted; "" when it is. What another
  // listener does is no near miss.
  std::string Miss(const Record& record, DeliveryPlace place) const {
    const RecordedDelivery& delivery = record.events[place.event].deliveries[place.delivery];
    if (wanted_.by && delivery.name != *wanted_.by) return "another listener";
    if (!WasHandled(delivery)) return delivery.name + " " + Fate(record, place);
    if (wanted_.after && !IsAfter(record, place)) {
      return delivery.name + " handled it before " + *wanted_.after + " had";
    }
    if (wanted_.cause && !HasCause(record, place.event)) {
      return "no " + wanted_.cause->Describe() + " is among its causes";
    }
    return {};
  }

  bool IsAfter(const Record& record, DeliveryPlace place) const {
    const EventId story = record.events[place.event].correlation;
    const std::size_t begun = MomentOf(record, place, Happening::Kind::kBegun);
    for (std::size_t i = 0; i < record.events.size(); ++i) {
      if (record.events[i].correlation != story) continue;
      for (std::size_t j = 0; j < record.events[i].deliveries.size(); ++j) {
        const RecordedDelivery& other = record.events[i].deliveries[j];
        if (other.name == *wanted_.after && WasHandled(other) &&
            MomentOf(record, {i, j}, Happening::Kind::kEnded) < begun) {
          return true;
        }
      }
    }
    return false;
  }

  bool HasCause(const Record& record, std::size_t event) const {
    EventId cause = record.events[event].cause;
    // Causes stand before what they cause.
    for (std::size_t i = event; i-- > 0 && cause;) {
      if (record.events[i].id != cause) continue;
      if (wanted_.cause->Matches(record.events[i])) return true;
      cause = record.events[i].cause;
    }
    return false;
  }

  void Explain(const Evidence& evidence, Verdict& verdict) const {
    const Record& record = evidence.record;
    const Candidates found = FindCandidates(record, wanted_.pattern);
    verdict.seen = Times(verdict.deliveries.size());
    for (const std::size_t event : found.matching) AddRows(evidence, event, verdict);
    if (verdict.deliveries.size() > wanted_.count.max) return;
    verdict.besides = wanted_.by.value_or("");
    if (!found.matching.empty()) {
      verdict.about = found.matching.back();
      for (const std::size_t event : found.matching) {
        const std::string miss = NearestMiss(evidence, event);
        if (!miss.empty()) verdict.nearest = Number(event) + ", but " + miss;
      }
    } else if (const auto nearest = Nearest(record, wanted_.pattern, found.others)) {
      verdict.rows.push_back({wanted_.pattern.Describe(), NumberedWithSource(record, *nearest)});
      verdict.nearest = NearMiss(record, wanted_.pattern, *nearest);
    } else {
      TellWhyNever(evidence, wanted_.pattern.type(), verdict);
    }
  }

  // Of one matching event: what the listeners did that are asked for.
  void AddRows(const Evidence& evidence, std::size_t event, Verdict& verdict) const {
    const Record& record = evidence.record;
    const std::string given = Numbered(record, event) + ": ";
    const std::string expected = "handled" + Conditions();
    const std::vector<RecordedDelivery>& deliveries = record.events[event].deliveries;
    bool any = false;
    for (std::size_t j = 0; j < deliveries.size(); ++j) {
      if (wanted_.by && deliveries[j].name != *wanted_.by) continue;
      any = true;
      const bool fits = Miss(record, {event, j}).empty();
      verdict.rows.push_back(
          {expected, given + deliveries[j].name + " " + Fate(record, {event, j}), fits});
    }
    if (any) return;
    const std::string nobody = record.events[event].orphan ? "nobody listens to it" : "nobody yet";
    verdict.rows.push_back({expected, given + (wanted_.by ? "not called" : nobody)});
  }

  // Of a matching event.
  std::string NearestMiss(const Evidence& evidence, std::size_t event) const {
    const Record& record = evidence.record;
    const std::vector<RecordedDelivery>& deliveries = record.events[event].deliveries;
    std::string nearest;
    for (std::size_t j = 0; j < deliveries.size(); ++j) {
      if (wanted_.by && deliveries[j].name != *wanted_.by) continue;
      const std::string miss = Miss(record, {event, j});
      if (miss.empty()) return {};
      nearest = miss;
    }
    if (!nearest.empty() || !wanted_.by) return nearest;
    return *wanted_.by + " " + FateOf(evidence, event, *wanted_.by);
  }

  const HandledConditions wanted_;
};

}  // namespace

HandledExpectation::HandledExpectation(HandledConditions conditions)
    : Expectation(std::make_shared<HandledClaim>(conditions)), conditions_(std::move(conditions)) {}

HandledExpectation HandledExpectation::By(std::string_view listener) const {
  HandledConditions conditions = conditions_;
  conditions.by = std::string(listener);
  return HandledExpectation(std::move(conditions));
}
HandledExpectation HandledExpectation::After(std::string_view listener) const {
  HandledConditions conditions = conditions_;
  conditions.after = std::string(listener);
  return HandledExpectation(std::move(conditions));
}
HandledExpectation HandledExpectation::CausedByPattern(EventPattern cause) const {
  HandledConditions conditions = conditions_;
  conditions.cause = std::move(cause);
  return HandledExpectation(std::move(conditions));
}
HandledExpectation HandledExpectation::Counted(Count count) const {
  HandledConditions conditions = conditions_;
  conditions.count = count;
  return HandledExpectation(std::move(conditions));
}

}  // namespace belfry::testing
