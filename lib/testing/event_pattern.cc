#include "belfry/testing/event_pattern.h"

#include <utility>

namespace belfry::testing {
namespace {

// GoogleMock's words for fields, without those that say nothing here:
//   is an object whose field `email` is equal to "ada"  ->  email is equal to "ada"
std::string Plain(std::string text) {
  for (const std::string_view before :
       {"is an object whose field `", "is an object whose property `", "whose field `",
        "whose property `"}) {
    std::size_t at = 0;
    while ((at = text.find(before, at)) != std::string::npos) {
      text.erase(at, before.size());
      const std::size_t end = text.find('`', at);
      if (end != std::string::npos) text.erase(end, 1);
    }
  }
  return text;
}

// For who does not want to know why.
class Nobody final : public ::testing::MatchResultListener {
 public:
  Nobody() : MatchResultListener(nullptr) {}
};

}  // namespace

EventPattern::EventPattern(EventType type, std::string inner, Match match)
    : type_(type), inner_(Plain(std::move(inner))), match_(std::move(match)) {}

std::string EventPattern::Describe() const {
  return std::string(ShortName(type_)) + (inner_.empty() ? "" : "{" + inner_ + "}");
}

bool EventPattern::Matches(const RecordedEvent& event) const {
  if (event.type != type_) return false;
  if (match_ == nullptr) return true;
  Nobody nobody;
  return event.event != nullptr && match_(event.event.get(), &nobody);
}

std::string EventPattern::WhyNot(const RecordedEvent& event) const {
  if (event.event == nullptr || match_ == nullptr) return "it was not kept";
  ::testing::StringMatchResultListener why;
  match_(event.event.get(), &why);
  return why.str().empty() ? "it does not match" : Plain(why.str());
}

}  // namespace belfry::testing
