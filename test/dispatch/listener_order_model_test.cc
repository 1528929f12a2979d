// The order of listeners against a plain model of it, and against threads.

#include <algorithm>
#include <atomic>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "belfry/listener_order.h"
#include "dispatch/mode_test.h"
#include "scale.h"

namespace belfry {
namespace {

struct Walk {
  std::vector<int>* passed = nullptr;  // the numbers of those who were called
};

// One type of callable for each kind.
template <int kKind>
struct Passes {
  int number;
  void operator()(const Walk& walk) const { walk.passed->push_back(number); }
};

struct Member {
  int number = 0;
  std::string name{};
  ListenerOrder order{};
  Subscription subscription{};
};

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
bool GoesBefore(const Member& a, const Member& b) {
  return Contains(a.order.before, b.name) || Contains(b.order.after, a.name);
}
std::pair<Phase, int> WeightOf(const Member& member) {
  return {member.order.phase, -member.order.priority};
}

// By trying: again and again the first one, by weight and age, that nobody else must come before.
std::optional<std::vector<int>> Model(const std::vector<Member>& members) {
  for (const Member& a : members) {
    for (const Member& b : members) {
      if (GoesBefore(a, b) && WeightOf(a) > WeightOf(b)) return std::nullopt;
    }
  }
  std::vector<const Member*> left;
  for (const Member& member : members) left.push_back(&member);
  std::stable_sort(left.begin(), left.end(),
                   [](const Member* a, const Member* b) { return WeightOf(*a) < WeightOf(*b); });
  std::vector<int> order;
  while (!left.empty()) {
    const auto next = std::find_if(left.begin(), left.end(), [&](const Member* candidate) {
      return std::none_of(left.begin(), left.end(),
                          [&](const Member* other) { return GoesBefore(*other, *candidate); });
    });
    if (next == left.end()) return std::nullopt;
    order.push_back((*next)->number);
    left.erase(next);
  }
  return order;
}

class ListenerOrderModelTest : public ModeTest {
 protected:
  template <int kKind>
  Subscription AddKind(int number, const ListenerOptions& options) {
    return dispatcher->Subscribe(Passes<kKind>{number}, options);
  }
  Subscription Add(const Member& member, int kind) {
    ListenerOptions options = Options(member.name);
    options.order = member.order;
    return kind == 0   ? AddKind<0>(member.number, options)
           : kind == 1 ? AddKind<1>(member.number, options)
                       : AddKind<2>(member.number, options);
  }
  std::vector<int> Passed() {
    std::vector<int> passed;
    EXPECT_TRUE(dispatcher->Publish(Walk{&passed}));
    return passed;
  }
  // Inline listeners of whom none asks for an order are in none.
  void ExpectPassed(const std::vector<Member>& members, std::vector<int> expected) {
    std::vector<int> passed = Passed();
    const bool ordered = std::any_of(members.begin(), members.end(),
                                     [](const Member& member) { return member.order.asked(); });
    if (!ordered && mode() == Mode::kInline) {
      std::sort(passed.begin(), passed.end());
      std::sort(expected.begin(), expected.end());
    }
    ASSERT_EQ(passed, expected);
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, ListenerOrderModelTest,
                         testing::Values(Mode::kSynchronous, Mode::kInline), ModeTestName);

TEST_P(ListenerOrderModelTest, O5_RandomOrdersAreAsThePlainModelHasThem) {
  int taken = 0;
  int refused = 0;
  for (const unsigned seed : Seeds(200, 5000)) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
    std::vector<Member> members;
    std::vector<int> expected;
    const unsigned weights = 1 + static_cast<unsigned>(below(3));  // few leave more to names
    for (int number = 0; number < 25; ++number) {
      if (!members.empty() && below(5) == 0) {
        const auto gone = members.begin() + below(static_cast<unsigned>(members.size()));
        std::erase(expected, gone->number);
        members.erase(gone);
        ASSERT_NO_FATAL_FAILURE(ExpectPassed(members, expected)) << "who stays keeps the place";
      }
      Member next{number, "n" + std::to_string(below(20))};
      if (below(3) == 0) next.order.phase = static_cast<Phase>(below(weights));
      if (below(3) == 0) next.order.priority = below(weights);
      while (below(3) == 0) next.order.before.push_back("n" + std::to_string(below(20)));
      while (below(3) == 0) next.order.after.push_back("n" + std::to_string(below(20)));
      next.subscription = Add(next, below(3));
      const bool accepted = static_cast<bool>(next.subscription);
      members.push_back(std::move(next));
      const std::optional<std::vector<int>> order = Model(members);
      ASSERT_EQ(accepted, order.has_value());
      if (!accepted) members.pop_back();
      ++(accepted ? taken : refused);
      if (accepted) expected = *order;
      ASSERT_NO_FATAL_FAILURE(ExpectPassed(members, expected));
    }
  }
  EXPECT_GT(taken, 0);
  EXPECT_GT(refused, 0);
}

class ListenerOrderRaceTest : public ListenerOrderModelTest {};
INSTANTIATE_TEST_SUITE_P(Modes, ListenerOrderRaceTest, testing::Values(Mode::kInline),
                         ModeTestName);

// Numbers are priorities. Four threads publish, and each has a listener that comes and goes; two
// stay, and one of these is replaced again and again.
TEST_P(ListenerOrderRaceTest, R1_EveryPassHasItsListenersInOrderAndExactlyThese) {
  constexpr int kThreads = 4;
  const int rounds = Scaled(500, 50'000);
  // Those with number 0 ask for nothing, which is their place as well.
  const auto options = [&](int number) {
    ListenerOptions made = Options("n" + std::to_string(number));
    made.order.priority = -number;
    return made;
  };
  const Subscription first = dispatcher->Subscribe(Passes<0>{-1}, options(-1));
  Subscription last = dispatcher->Subscribe(Passes<1>{100}, options(100));
  std::atomic<int> wrong{0};
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto check = [&](int mine, bool there) {
        std::vector<int> passed;
        if (!dispatcher->Publish(Walk{&passed})) ++wrong;
        if (!std::is_sorted(passed.begin(), passed.end())) ++wrong;
        if (std::adjacent_find(passed.begin(), passed.end()) != passed.end()) ++wrong;
        if (passed.empty() || passed.front() != -1 || passed.back() != 100) ++wrong;
        if (std::binary_search(passed.begin(), passed.end(), mine) != there) ++wrong;
      };
      for (int i = 0; i < rounds; ++i) {
        const int mine = t * 10 + i % 10;
        Subscription subscription =
            i % 2 == 0
                ? dispatcher->Subscribe(Passes<2>{mine}, options(mine))
                : dispatcher->Subscribe([mine, more = std::string(50, 'x')](
                                            const Walk& walk) { walk.passed->push_back(mine); },
                                        options(mine));
        check(mine, true);
        check(mine, true);
        i % 3 == 0 ? subscription.Detach() : static_cast<void>(subscription.Reset());
        check(mine, false);
      }
      --running;
    });
  }
  while (running > 0) {
    last.Replace(Passes<3>{100});
    last.Replace([more = std::string(50, 'x')](const Walk& walk) { walk.passed->push_back(100); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Those who ask are all gone from time to time, so that passes change between their two ways.
TEST_P(ListenerOrderRaceTest, R1_ATopicThatIsInOrderNowAndThenLosesNobody) {
  constexpr int kPublishers = 3;
  const int rounds = Scaled(1000, 100'000);
  std::vector<Subscription> plain;
  for (int i = 0; i < 20; ++i) plain.push_back(dispatcher->Subscribe(Passes<0>{i}, Options()));
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> publishers;
  for (int p = 0; p < kPublishers; ++p) {
    publishers.emplace_back([&] {
      while (!over) {
        std::vector<int> passed;
        if (!dispatcher->Publish(Walk{&passed})) ++wrong;
        passed.erase(std::remove(passed.begin(), passed.end(), -1), passed.end());
        if (passed.size() != 20) ++wrong;
      }
    });
  }
  for (int i = 0; i < rounds; ++i) {
    ListenerOptions options = Options("asks");
    options.order.phase = Phase::kEarly;
    const Subscription asks = dispatcher->Subscribe(Passes<1>{-1}, options);
    EXPECT_EQ(Passed().front(), -1);
  }
  over = true;
  for (std::thread& publisher : publishers) publisher.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace belfry
