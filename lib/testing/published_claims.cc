// Claims about what was published.

#include <algorithm>
#include <memory>
#include <utility>

#include "belfry/testing/matchers.h"
#include "belfry/testing/show.h"
#include "testing/claim.h"

namespace belfry::testing {
namespace {

std::string Number(std::size_t event) { return "#" + std::to_string(event + 1); }

// --- One kind of event ---

class PublishedClaim final : public Claim {
 public:
  PublishedClaim(EventPattern pattern, Count count) : pattern_(std::move(pattern)), count_(count) {}

  std::string Describe() const override {
    return pattern_.Describe() +
           (count_.max == 0 ? " not published" : " published " + Times(count_));
  }

  Verdict Judge(const Evidence& evidence) const override {
    const Record& record = evidence.record;
    Candidates found = FindCandidates(record, pattern_);
    Verdict verdict;
    verdict.holds = count_.Has(found.matching.size());
    if (verdict.holds) {
      verdict.events = std::move(found.matching);
      return verdict;
    }
    verdict.seen = Times(found.matching.size());
    if (found.matching.size() > count_.max) {
      verdict.rows = Rows(record, found);
      return verdict;
    }
    const std::optional<std::size_t> nearest = Nearest(record, pattern_, found.others);
    if (nearest.has_value()) {
      verdict.nearest = NearMiss(record, pattern_, *nearest);
      std::erase(found.others, *nearest);
      found.others.insert(found.others.begin(), *nearest);
    } else if (found.matching.empty()) {
      TellWhyNever(evidence, pattern_.type(), verdict);
    }
    verdict.rows = Rows(record, found);
    return verdict;
  }

 private:
  std::vector<Row> Rows(const Record& record, const Candidates& found) const {
    std::vector<Row> rows;
    const std::string expected = pattern_.Describe();
    for (const std::size_t event : found.matching) {
      const bool fits = rows.size() < count_.max;
      const std::string none = count_.max == 0 ? "nothing" : "nothing more";
      rows.push_back({fits ? expected : none, NumberedWithSource(record, event), fits});
    }
    if (found.matching.size() > count_.max) return rows;
    auto other = found.others.begin();
    while (rows.size() < count_.min && other != found.others.end()) {
      rows.push_back({expected, NumberedWithSource(record, *other++)});
    }
    while (rows.size() < count_.min) rows.push_back({expected, "nothing"});
    while (other != found.others.end()) {
      rows.push_back({"", NumberedWithSource(record, *other++)});
    }
    return rows;
  }

  const EventPattern pattern_;
  const Count count_;
};

// --- Several ---

// Each pattern as often as it asks for.
std::vector<EventPattern> EachOnce(const std::vector<PublishedExpectation>& all) {
  std::vector<EventPattern> patterns;
  for (const PublishedExpectation& one : all) {
    patterns.insert(patterns.end(), one.count().min, one.pattern());
  }
  return patterns;
}

std::string Listed(const std::vector<PublishedExpectation>& all) {
  std::string text;
  for (const PublishedExpectation& one : all) {
    text += (text.empty() ? "" : ", ") + one.pattern().Describe() +
            (one.count().min == 1 ? "" : " " + Times(one.count().min));
  }
  return text;
}

class InOrderClaim final : public Claim {
 public:
  explicit InOrderClaim(const std::vector<PublishedExpectation>& all)
      : listed_(Listed(all)), patterns_(EachOnce(all)) {}

  std::string Describe() const override { return listed_ + " published in this order"; }

  Verdict Judge(const Evidence& evidence) const override {
    const Record& record = evidence.record;
    Verdict verdict;
    std::size_t next = 0;
    for (std::size_t i = 0; i < record.events.size() && next < patterns_.size(); ++i) {
      if (!WasPublished(record.events[i]) || !patterns_[next].Matches(record.events[i])) continue;
      verdict.events.push_back(i);
      ++next;
    }
    verdict.holds = next == patterns_.size();
    if (verdict.holds) return verdict;
    verdict.seen = next == 0 ? "not even the first"
                             : "only the first " + (next == 1 ? "" : std::to_string(next));
    while (verdict.seen.back() == ' ') verdict.seen.pop_back();
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      const bool fits = i < next;
      verdict.rows.push_back(
          {patterns_[i].Describe(),
           fits ? NumberedWithSource(record, verdict.events[i]) : OutOfOrder(record, patterns_[i]),
           fits});
    }
    TellNearest(evidence, patterns_[next], verdict);
    return verdict;
  }

 private:
  static std::string OutOfOrder(const Record& record, const EventPattern& pattern) {
    const Candidates found = FindCandidates(record, pattern);
    return found.matching.empty() ? "nothing" : NumberedWithSource(record, found.matching.back());
  }

  // Of the first one that is missing.
  static void TellNearest(const Evidence& evidence, const EventPattern& pattern, Verdict& verdict) {
    const Candidates found = FindCandidates(evidence.record, pattern);
    if (!found.matching.empty()) {
      const std::size_t last = found.matching.back();
      const std::size_t before = verdict.events.back();
      verdict.nearest =
          Number(last) + (last == before ? ", but it stands for an earlier one"
                                         : ", but it was published before " + Number(before));
    } else if (const auto nearest = Nearest(evidence.record, pattern, found.others)) {
      verdict.nearest = NearMiss(evidence.record, pattern, *nearest);
    } else {
      TellWhyNever(evidence, pattern.type(), verdict);
    }
  }

  const std::string listed_;
  const std::vector<EventPattern> patterns_;
};

class InAnyOrderClaim final : public Claim {
 public:
  explicit InAnyOrderClaim(const std::vector<PublishedExpectation>& all)
      : listed_(Listed(all)), patterns_(EachOnce(all)) {}

  std::string Describe() const override { return listed_ + " published in any order"; }

  Verdict Judge(const Evidence& evidence) const override {
    const Record& record = evidence.record;
    Verdict verdict;
    Assignment assignment(record, patterns_);
    std::size_t found = 0;
    for (std::size_t i = 0; i < patterns_.size(); ++i) found += assignment.Assign(i) ? 1 : 0;
    verdict.holds = found == patterns_.size();
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      const std::optional<std::size_t> event = assignment.EventOf(i);
      if (event.has_value()) verdict.events.push_back(*event);
      if (verdict.holds) continue;
      verdict.rows.push_back({patterns_[i].Describe(),
                              event.has_value() ? NumberedWithSource(record, *event) : "nothing",
                              event.has_value()});
      if (event.has_value() || !verdict.nearest.empty()) continue;
      TellNearest(evidence, patterns_[i], verdict);
    }
    verdict.seen = std::to_string(found) + " of " + std::to_string(patterns_.size());
    return verdict;
  }

 private:
  // Of the first one that is missing.
  static void TellNearest(const Evidence& evidence, const EventPattern& pattern, Verdict& verdict) {
    const Candidates found = FindCandidates(evidence.record, pattern);
    if (const auto nearest = Nearest(evidence.record, pattern, found.others)) {
      verdict.nearest = NearMiss(evidence.record, pattern, *nearest);
    } else if (!found.matching.empty()) {
      verdict.nearest = Number(found.matching.back()) + ", but it stands for another one";
    } else {
      TellWhyNever(evidence, pattern.type(), verdict);
    }
  }

  // A different event for each pattern, as many as there can be: who comes later may make an
  // earlier one take another event.
  class Assignment {
   public:
    Assignment(const Record& record, const std::vector<EventPattern>& patterns)
        : record_(record), patterns_(patterns), pattern_of_(record.events.size()) {}

    bool Assign(std::size_t pattern) {
      tried_.assign(record_.events.size(), false);
      return TryAssign(pattern);
    }
    std::optional<std::size_t> EventOf(std::size_t pattern) const {
      const auto found = std::find(pattern_of_.begin(), pattern_of_.end(), std::optional(pattern));
      if (found == pattern_of_.end()) return std::nullopt;
      return static_cast<std::size_t>(found - pattern_of_.begin());
    }

   private:
    bool TryAssign(std::size_t pattern) {
      for (std::size_t i = 0; i < record_.events.size(); ++i) {
        const RecordedEvent& event = record_.events[i];
        if (tried_[i] || !WasPublished(event) || !patterns_[pattern].Matches(event)) continue;
        tried_[i] = true;
        if (pattern_of_[i].has_value() && !TryAssign(*pattern_of_[i])) continue;
        pattern_of_[i] = pattern;
        return true;
      }
      return false;
    }

    const Record& record_;
    const std::vector<EventPattern>& patterns_;
    std::vector<std::optional<std::size_t>> pattern_of_;  // by event
    std::vector<bool> tried_;
  };

  const std::string listed_;
  const std::vector<EventPattern> patterns_;
};

// --- Events that nobody got ---

class OrphanClaim final : public Claim {
 public:
  explicit OrphanClaim(EventPattern pattern) : pattern_(std::move(pattern)) {}

  std::string Describe() const override {
    return pattern_.Describe() + " published, and nobody listening to it";
  }

  Verdict Judge(const Evidence& evidence) const override {
    const Record& record = evidence.record;
    Verdict verdict;
    const Candidates found = FindCandidates(record, pattern_);
    for (const std::size_t event : found.matching) {
      if (record.events[event].orphan) verdict.events.push_back(event);
      const std::string who = WhoListens(record.events[event]);
      verdict.rows.push_back({"nobody listens", Number(event) + ": " + who});
    }
    verdict.holds = !verdict.events.empty();
    if (verdict.holds) return verdict;
    verdict.seen = found.matching.empty() ? "never" : "somebody listens";
    if (!found.matching.empty()) return verdict;
    if (const auto nearest = Nearest(record, pattern_, found.others)) {
      verdict.nearest = NearMiss(record, pattern_, *nearest);
    } else {
      TellWhyNever(evidence, pattern_.type(), verdict);
    }
    return verdict;
  }

 private:
  static std::string WhoListens(const RecordedEvent& event) {
    if (event.orphan) return "nobody";
    std::vector<std::string> names;
    for (const RecordedDelivery& delivery : event.deliveries) names.push_back(delivery.name);
    return names.empty() ? "somebody, who has not got it yet" : Enumerate(names);
  }

  const EventPattern pattern_;
};

class RefusedClaim final : public Claim {
 public:
  explicit RefusedClaim(EventType type) : type_(type) {}

  std::string Describe() const override { return std::string(ShortName(type_)) + " refused"; }

  Verdict Judge(const Evidence& evidence) const override {
    const Record& record = evidence.record;
    Verdict verdict;
    for (std::size_t i = 0; i < record.events.size(); ++i) {
      if (record.events[i].type != type_) continue;
      if (!record.events[i].result.ok()) verdict.events.push_back(i);
      verdict.rows.push_back({"refused", NumberedWithSource(record, i) + ": accepted"});
    }
    verdict.holds = !verdict.events.empty();
    verdict.seen = verdict.rows.empty() ? "never published" : "accepted";
    return verdict;
  }

 private:
  const EventType type_;
};

// --- The rest ---

class NothingElseClaim final : public Claim {
 public:
  std::string Describe() const override { return "nothing else published"; }

  Verdict Judge(const Evidence& evidence) const override {
    const Record& record = evidence.record;
    Verdict verdict;
    for (std::size_t i = 0; i < record.events.size(); ++i) {
      if (!WasPublished(record.events[i]) || record.events[i].expected) continue;
      verdict.rows.push_back({"nothing else", NumberedWithSource(record, i)});
    }
    verdict.holds = verdict.rows.empty();
    verdict.seen = std::to_string(verdict.rows.size()) +
                   (verdict.rows.size() == 1 ? " more event" : " more events") +
                   " that no expectation has named";
    return verdict;
  }
};

}  // namespace

PublishedExpectation::PublishedExpectation(EventPattern pattern, Count count)
    : Expectation(std::make_shared<PublishedClaim>(pattern, count)),
      pattern_(std::move(pattern)),
      count_(count) {}

Expectation InOrder(const std::vector<PublishedExpectation>& all) {
  return Expectation(std::make_shared<InOrderClaim>(all));
}
Expectation InAnyOrder(const std::vector<PublishedExpectation>& all) {
  return Expectation(std::make_shared<InAnyOrderClaim>(all));
}
Expectation OrphanLike(EventPattern pattern) {
  return Expectation(std::make_shared<OrphanClaim>(std::move(pattern)));
}
Expectation RefusedType(EventType type) {
  return Expectation(std::make_shared<RefusedClaim>(type));
}
Expectation NothingElse() { return Expectation(std::make_shared<NothingElseClaim>()); }

}  // namespace belfry::testing
