// Inline listeners that ask for an order, under every schedule.

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "explore/explored_dispatcher.h"

namespace belfry::explore {
namespace {

struct Walk {
  std::vector<int>* passed = nullptr;
};

// Listeners of one type: in the cells of one group.
struct Passes {
  int number;
  void operator()(const Walk& walk) const { walk.passed->push_back(number); }
};
struct PassesToo {
  int number;
  void operator()(const Walk& walk) const { walk.passed->push_back(number); }
};

ListenerOptions InPhase(Phase phase) {
  return {.name = "ordered", .run = belfry::Run::kInline, .order = {.phase = phase}};
}

std::vector<int> Passed(Dispatcher& dispatcher) {
  std::vector<int> passed;
  EXPLORE_REQUIRE(dispatcher.Publish(Walk{&passed}).ok());
  return passed;
}

// Their places are not those of their cells, nor of their ages.
TEST(OrderExplored, R1_AListenerThatComesHasItsPlaceOrNone) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        const Subscription late = dispatcher.Subscribe(Passes{3}, InPhase(Phase::kLate));
        const Subscription plain = dispatcher.Subscribe(PassesToo{2}, Inline());
        std::optional<Subscription> early;
        Together({[&] {
                    const std::vector<int> passed = Passed(dispatcher);
                    EXPLORE_REQUIRE(passed == (std::vector<int>{2, 3}) ||
                                    passed == (std::vector<int>{1, 2, 3}));
                  },
                  [&] {
                    early = dispatcher.Subscribe(Passes{1}, InPhase(Phase::kEarly));
                    EXPLORE_REQUIRE(Passed(dispatcher) == (std::vector<int>{1, 2, 3}));
                  }});
      },
      kTimeless);
}

TEST(OrderExplored, R1_TheFirstWhoAsksAndTheLastLoseNobody) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        const Subscription plain = dispatcher.Subscribe(Passes{2}, Inline());
        const Subscription other = dispatcher.Subscribe(PassesToo{2}, Inline());
        Together({[&] {
                    for (int i = 0; i < 2; ++i) {
                      const std::vector<int> passed = Passed(dispatcher);
                      EXPLORE_REQUIRE(passed == (std::vector<int>{2, 2}) ||
                                      passed == (std::vector<int>{1, 2, 2}));
                    }
                  },
                  [&] {
                    Subscription early = dispatcher.Subscribe(Passes{1}, InPhase(Phase::kEarly));
                    EXPLORE_REQUIRE(early.Reset() == ResetResult::kDone);
                    EXPLORE_REQUIRE(Passed(dispatcher) == (std::vector<int>{2, 2}));
                  }});
      },
      kFew);
}

TEST(OrderExplored, X4_ExactlyOneOfTwoCallablesIsCalledInItsPlace) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        const Subscription late = dispatcher.Subscribe(Passes{3}, InPhase(Phase::kLate));
        Subscription replaced = dispatcher.Subscribe(Passes{1}, Inline());
        Together({[&] {
                    const std::vector<int> passed = Passed(dispatcher);
                    EXPLORE_REQUIRE(passed == (std::vector<int>{1, 3}) ||
                                    passed == (std::vector<int>{2, 3}));
                  },
                  [&] {
                    EXPLORE_REQUIRE(replaced.Replace(PassesToo{2}) == ReplaceResult::kDone);
                    EXPLORE_REQUIRE(Passed(dispatcher) == (std::vector<int>{2, 3}));
                  }});
      },
      kFew);
}

TEST(OrderExplored, R2_ACellThatIsUsedAgainIsNotCalledForItsFormerListener) {
  ExpectSafe(
      [] {
        ManualExecutor nobody;
        Dispatcher dispatcher(Explored::On(nobody));
        const Subscription late = dispatcher.Subscribe(PassesToo{3}, InPhase(Phase::kLate));
        Subscription former = dispatcher.Subscribe(Passes{1}, Inline());
        std::optional<Subscription> next;
        Together({[&] {
                    const std::vector<int> passed = Passed(dispatcher);
                    EXPLORE_REQUIRE(passed == (std::vector<int>{1, 3}) ||
                                    passed == (std::vector<int>{3}) ||
                                    passed == (std::vector<int>{3, 4}));
                  },
                  [&] {
                    EXPLORE_REQUIRE(former.Reset() == ResetResult::kDone);
                    next = dispatcher.Subscribe(Passes{4},
                                                {.name = "next",
                                                 .run = belfry::Run::kInline,
                                                 .order = {.phase = Phase::kLate, .priority = -1}});
                  }});
      },
      kFew);
}

}  // namespace
}  // namespace belfry::explore
