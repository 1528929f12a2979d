// What an expectation says, and what a record says to it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/testing/event_pattern.h"
#include "belfry/testing/expectation.h"
#include "testing/evidence.h"

namespace belfry::testing {

// A line of the table of expected and actual.
struct Row {
  std::string expected{};
  std::string actual{};
  bool fits = false;
};

struct Verdict {
  bool holds = false;
  // What it is about, if it holds.
  std::vector<std::size_t> events{};
  std::vector<DeliveryPlace> deliveries{};
  // Else: what was seen instead, and more.
  std::string seen{};  // "never"
  std::vector<Row> rows{};
  std::string nearest{};               // "" when nothing comes near
  bool tells_uncalled = false;         // whom nothing came to: why there is nothing may be there
  std::optional<std::size_t> about{};  // the event whose listeners are told of,
  std::string besides{};               // but for this one
};

class Claim {
 public:
  virtual ~Claim() = default;
  virtual std::string Describe() const = 0;
  virtual Verdict Judge(const Evidence& evidence) const = 0;
};

// "never", "once", "twice", "3 times".
std::string Times(std::size_t count);
// "once", "at least twice".
std::string Times(const Count& count);

// Those of the record that are of its type and were published, by whether they match.
struct Candidates {
  std::vector<std::size_t> matching{};
  std::vector<std::size_t> others{};
};
Candidates FindCandidates(const Record& record, const EventPattern& pattern);

// Of `candidates`, none of which matches, the one that has most words in common with what is
// expected.
std::optional<std::size_t> Nearest(const Record& record, const EventPattern& pattern,
                                   const std::vector<std::size_t>& candidates);
// "#2, but email is "bob"".
std::string NearMiss(const Record& record, const EventPattern& pattern, std::size_t event);
// Of an event that was not published at all: what comes nearest, and to whom nothing came.
void TellWhyNever(const Evidence& evidence, EventType type, Verdict& verdict);
// Of a claim that names a listener that there never was; nothing where there was, or who knows.
std::optional<Verdict> OfUnknownName(const Evidence& evidence, const std::string& listener);

// All that can be said of a verdict that does not hold, behind "seen: ".
std::string Explain(const Evidence& evidence, const Verdict& verdict);

}  // namespace belfry::testing
