// Compositions on many threads: for each key there is exactly one end.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "flow/compose_fixture.h"
#include "scale.h"

namespace belfry {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class ComposeRaceTest : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    DispatcherOptions options;
    options.synchronous = GetParam() == Mode::kSynchronous;
    options.pool.threads = GetParam() == Mode::kPool4 ? 4 : 1;
    options.timers = &timers;
    options.clock = &timers.clock();
    dispatcher = std::make_unique<Dispatcher>(options);
  }

  // Each on a thread of its own, at the same time.
  template <class... Work>
  static void AtOnce(Work... work) {
    std::atomic<int> waiting{sizeof...(Work)};
    std::vector<std::thread> threads;
    const auto start = [&](auto& each) {
      threads.emplace_back([&] {
        --waiting;
        while (waiting != 0) std::this_thread::yield();
        each();
      });
    };
    (start(work), ...);
    for (std::thread& thread : threads) thread.join();
  }

  // Publishes E for all users; where there is no room it tries again.
  template <class E>
  auto Each(int users) {
    return [this, users] {
      for (int user = 0; user < users; ++user) {
        while (!dispatcher->Publish(E{user})) std::this_thread::yield();
      }
    };
  }

  auto SignUp() {
    return Compose<UserSignedUp>(*dispatcher, {.name = "signup"})
        .AllOf<UserStored, TemplateRead, MailAccepted>()
        .By([](const auto& part) { return part.user; })
        .Emit([this](const UserStored& stored, const TemplateRead&, const MailAccepted&) {
          ++emitted.at(static_cast<std::size_t>(stored.user));
          return UserSignedUp{stored.user};
        });
  }

  ManualTimers timers;
  std::unique_ptr<Dispatcher> dispatcher;
  std::vector<std::atomic<int>> emitted = std::vector<std::atomic<int>>(100'000);
};

TEST_P(ComposeRaceTest, F3_PartsOfManyThreadsAreCompleteOnce) {
  const int users = Scaled(5'000, 100'000);
  const Composition composition = SignUp().Start();
  AtOnce(Each<UserStored>(users), Each<TemplateRead>(users), Each<MailAccepted>(users));
  for (int user = 0; user < users; ++user) {
    ASSERT_EQ(emitted[static_cast<std::size_t>(user)], 1) << user;
  }
  ASSERT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained);
  EXPECT_EQ(composition.GetStats().completed, static_cast<std::uint64_t>(users));
}

TEST_P(ComposeRaceTest, F3_EitherTheLastPartOrTheTimeOutEndsIt) {
  const int users = Scaled(5'000, 100'000);
  std::vector<std::atomic<int>> undone(100'000);
  std::atomic<std::uint64_t> told{0};
  const Composition composition =
      SignUp()
          .Within(milliseconds(1))
          .OnTimeout([&](const GotParts&, const MissingParts&) { ++told; })
          .Undo<UserStored>(
              [&](const UserStored& stored) { ++undone.at(static_cast<std::size_t>(stored.user)); })
          .Start();
  std::atomic<bool> going{true};
  std::thread clock([&] {
    while (going) {
      timers.Advance(microseconds(300));
      std::this_thread::yield();
    }
  });
  AtOnce(
      [&] {
        for (int user = 0; user < users; ++user) {
          while (!dispatcher->Publish(UserStored{user})) std::this_thread::yield();
          while (!dispatcher->Publish(TemplateRead{user})) std::this_thread::yield();
        }
      },
      // The last part comes a little later, or does not.
      [&] {
        for (int user = 0; user < users; ++user) {
          if (user % 3 == 0) std::this_thread::yield();
          if (user % 5 != 0) static_cast<void>(dispatcher->Publish(MailAccepted{user}));
        }
      });
  EXPECT_TRUE(Eventually([&] { return composition.GetStats().open == 0; }));
  going = false;
  clock.join();
  ASSERT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained);
  const CompositionStats stats = composition.GetStats();
  ExpectStatsBalanced(stats);
  EXPECT_EQ(told, stats.timed_out);
  std::uint64_t completed = 0;
  for (int user = 0; user < users; ++user) {
    const auto i = static_cast<std::size_t>(user);
    ASSERT_LE(emitted[i] + undone[i], 1) << user;
    completed += emitted[i] == 1 ? 1 : 0;
  }
  EXPECT_EQ(completed, stats.completed);
}

TEST_P(ComposeRaceTest, ResetWinsOverPartsAndTimeOuts) {
  const int rounds = Scaled(200, 20'000);
  for (int round = 0; round < rounds; ++round) {
    auto kept = std::make_shared<std::atomic<int>>(0);
    const std::weak_ptr<std::atomic<int>> watched = kept;
    Composition composition =
        SignUp()
            .Within(milliseconds(1))
            .OnTimeout([kept](const GotParts&, const MissingParts&) { ++*kept; })
            .Undo<UserStored>([kept](const UserStored&) { ++*kept; })
            .Start();
    kept.reset();
    AtOnce(
        Each<UserStored>(20), Each<MailAccepted>(20),
        [&] {
          for (int i = 0; i < 5; ++i) timers.Advance(microseconds(500));
        },
        [&] {
          EXPECT_EQ(composition.Reset(), ResetResult::kDone);
          EXPECT_TRUE(watched.expired());
          EXPECT_EQ(composition.GetStats().open, 0U);
        });
    ExpectStatsBalanced(composition.GetStats());
  }
  ASSERT_EQ(dispatcher->Drain(kPatience), DrainResult::kDrained);
}

TEST_P(ComposeRaceTest, AShutdownEndsAllTimeOuts) {
  const int rounds = Scaled(30, 2'000);
  for (int round = 0; round < rounds; ++round) {
    SetUp();
    const Composition composition = SignUp()
                                        .Within(milliseconds(1))
                                        .OnTimeout([](const GotParts&, const MissingParts&) {})
                                        .Start();
    AtOnce(
        [&] {
          for (int user = 0; user < 50; ++user) {
            static_cast<void>(dispatcher->Publish(UserStored{user}));
          }
        },
        [&] {
          for (int i = 0; i < 5; ++i) timers.Advance(microseconds(500));
        },
        [&] { EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete); });
    const CompositionStats stats = composition.GetStats();
    timers.Advance(milliseconds(5));
    EXPECT_EQ(composition.GetStats().timed_out, stats.timed_out);
    ExpectStatsBalanced(stats);
    dispatcher.reset();
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, ComposeRaceTest,
                         testing::Values(Mode::kSynchronous, Mode::kPool1, Mode::kPool4),
                         ModeTestName);

}  // namespace
}  // namespace belfry
