// Events of one type that a matcher of GoogleMock says yes to.
//
// Users need nothing from this header: Published and Handled (matchers.h) make these.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <type_traits>

#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/testing/recorder.h"
#include "belfry/testing/show.h"

namespace belfry::testing {

// Thread safety: a value; as thread-safe as its inner matcher.
class BELFRY_EXPORT EventPattern {
 public:
  // `inner`: a matcher of E, or a callable for (const E&) that returns bool.
  template <class E, class M>
  static EventPattern Of(const M& inner) {
    Shows<E>();
    if constexpr (std::is_same_v<M, std::remove_cvref_t<decltype(::testing::_)>>) {
      return EventPattern(EventTypeOf<E>());
    } else if constexpr (std::is_invocable_r_v<bool, const M&, const E&>) {
      return EventPattern(EventTypeOf<E>(), "the lambda says yes",
                          [inner](const void* event, ::testing::MatchResultListener* listener) {
                            if (inner(*static_cast<const E*>(event))) return true;
                            *listener << "the lambda says no";
                            return false;
                          });
    } else {
      const auto matcher = ::testing::SafeMatcherCast<const E&>(inner);
      std::ostringstream text;
      matcher.DescribeTo(&text);
      return EventPattern(EventTypeOf<E>(), text.str(),
                          [matcher](const void* event, ::testing::MatchResultListener* listener) {
                            return matcher.MatchAndExplain(*static_cast<const E*>(event), listener);
                          });
    }
  }

  EventType type() const { return type_; }
  // What its inner matcher says of itself; "" when every event of the type will do.
  const std::string& inner() const { return inner_; }
  // "UserSignedUp{email is equal to "ada"}"
  std::string Describe() const;

  bool Matches(const RecordedEvent& event) const;
  // Why it does not match an event of its type: "email is "bob"".
  std::string WhyNot(const RecordedEvent& event) const;

 private:
  using Match = std::function<bool(const void* event, ::testing::MatchResultListener* listener)>;

  explicit EventPattern(EventType type) : type_(type) {}
  EventPattern(EventType type, std::string inner, Match match);

  EventType type_;
  std::string inner_;
  Match match_;  // null: all of them
};

}  // namespace belfry::testing
