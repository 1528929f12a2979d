// Answers, time-outs, resets and askers who let go, at once: each ask is told once. For TSan.

#include <array>
#include <atomic>
#include <stop_token>
#include <thread>
#include <vector>

#include "flow/ask_fixture.h"
#include "scale.h"

namespace belfry {
namespace {

class AskRaceTest : public ModeTest {
 protected:
  // Counts what each ask was told.
  void Count(const Completion<Reply<User>>& found) {
    ++asked_;
    found.Then(
        [this](const Reply<User>& reply) { ++told_[static_cast<std::size_t>(reply.code())]; });
  }
  int told() const {
    int sum = 0;
    for (const std::atomic<int>& each : told_) sum += each;
    return sum;
  }

  std::atomic<int> asked_{0};
  std::array<std::atomic<int>, 5> told_{};
};

TEST_P(AskRaceTest, AnswersCrossTimeOuts) {
  const int asks = 500;
  const Subscription finder = Answer(
      *dispatcher, [](const FindUser& query) { return User{query.email}; }, Options());
  std::vector<std::thread> askers;
  for (int a = 0; a < 2; ++a) {
    askers.emplace_back([&] {
      for (int i = 0; i < asks; ++i) {
        Count(Ask(*dispatcher, FindUser{"ada"}, {.within = std::chrono::microseconds(i)}));
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_TRUE(Eventually([&] { return told() == asked_; }));
  Settle();
  EXPECT_EQ(told(), asked_);
}

TEST_P(AskRaceTest, AskersLetGoWhileOthersAnswer) {
  const int asks = 500;
  const Subscription finder = Answer(
      *dispatcher, [](const FindUser& query) { return User{query.email}; }, Options());
  for (int i = 0; i < asks; ++i) {
    std::stop_source asker;
    Count(Ask(*dispatcher, FindUser{"ada"}, {.stop = asker.get_token()}));
    asker.request_stop();
  }
  Settle();
  EXPECT_EQ(told(), asked_);
}

TEST_P(AskRaceTest, AnswerersComeAndGo) {
  std::atomic<bool> over{false};
  std::thread answering([&] {
    while (!over) {
      const Subscription finder = Answer(
          *dispatcher, [](const FindUser& query) { return User{query.email}; }, Options());
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 1000; ++i) Count(Ask(*dispatcher, FindUser{"ada"}));
  over = true;
  answering.join();
  Settle();
  EXPECT_EQ(told(), asked_);
  EXPECT_EQ(told_[static_cast<std::size_t>(ReplyCode::kTimedOut)], 0);
  EXPECT_EQ(told_[static_cast<std::size_t>(ReplyCode::kFailed)], 0);
}

TEST_P(AskRaceTest, PromisesAreKeptOrCancelledOnce) {
  for (int i = 0; i < 200; ++i) {
    const Completion<User> later;
    Subscription finder = Answer(
        *dispatcher, [later](const FindUser&) { return later; }, Options());
    Count(Ask(*dispatcher, FindUser{"ada"}));
    std::thread answering([&] { later.Finish({"Ada"}); });
    finder.Reset();
    answering.join();
  }
  Settle();
  EXPECT_EQ(told(), asked_);
}

BELFRY_IN_POOL_MODES(AskRaceTest);

}  // namespace
}  // namespace belfry
