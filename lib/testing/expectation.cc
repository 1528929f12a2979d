#include "belfry/testing/expectation.h"

#include <gtest/gtest.h>

#include <utility>

#include "testing/claim.h"

namespace belfry::testing {
namespace {

Evidence EvidenceOf(const Recorder& recorder) {
  return {.recorder = recorder, .record = recorder.record()};
}

// "" when it holds; else what was seen.
std::string JudgeAndMark(const Claim& claim, const Evidence& evidence) {
  const Verdict verdict = claim.Judge(evidence);
  if (!verdict.holds) return Explain(evidence, verdict);
  for (const std::size_t event : verdict.events) evidence.recorder.Expect(event);
  for (const DeliveryPlace& place : verdict.deliveries) {
    evidence.recorder.Expect(place.event);
    evidence.recorder.Expect(place.event, place.delivery);
  }
  return {};
}

bool Tell(const std::string& seen, ::testing::MatchResultListener* listener) {
  if (!seen.empty()) *listener << "seen: " << seen;
  return seen.empty();
}

std::string Complete(const Claim& claim, const std::string& seen) {
  return seen.empty() ? "" : "expected " + claim.Describe() + ", seen: " + seen;
}

}  // namespace

bool Expectation::MatchAndExplain(const World& world,
                                  ::testing::MatchResultListener* listener) const {
  return Tell(JudgeAndMark(*claim_, world.evidence()), listener);
}
bool Expectation::MatchAndExplain(const Recorder& recorder,
                                  ::testing::MatchResultListener* listener) const {
  return Tell(JudgeAndMark(*claim_, EvidenceOf(recorder)), listener);
}
void Expectation::DescribeTo(std::ostream* out) const { *out << claim_->Describe(); }
void Expectation::DescribeNegationTo(std::ostream* out) const {
  *out << "not: " << claim_->Describe();
}

std::string Expectation::Check(const World& world) const {
  return Complete(*claim_, JudgeAndMark(*claim_, world.evidence()));
}
std::string Expectation::Check(const Recorder& recorder) const {
  return Complete(*claim_, JudgeAndMark(*claim_, EvidenceOf(recorder)));
}

namespace {

void FailUnlessEmpty(const std::string& text, Site site) {
  if (!text.empty()) ADD_FAILURE_AT(site.file, static_cast<int>(site.line)) << text;
}

}  // namespace

void Expect(const World& world, const Expectation& expectation, Site site) {
  FailUnlessEmpty(expectation.Check(world), site);
}
void Expect(const Recorder& recorder, const Expectation& expectation, Site site) {
  FailUnlessEmpty(expectation.Check(recorder), site);
}

}  // namespace belfry::testing
