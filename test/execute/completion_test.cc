// Completions: finished once, for all who wait or asked to be told.

#include "belfry/completion.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "belfry/event_loop.h"
#include "waiting.h"

namespace belfry {
namespace {

TEST(CompletionTest, TheFirstToFinishWins) {
  const Completion<int> completion;
  EXPECT_FALSE(completion.finished());
  EXPECT_TRUE(completion.Finish(1));
  EXPECT_FALSE(completion.Finish(2));
  EXPECT_EQ(completion.value(), 1);
  EXPECT_EQ(completion.Wait(), 1);
}

TEST(CompletionTest, OfManyThreadsThatFinishExactlyOneWinsAndEverybodySeesItsValue) {
  for (int round = 0; round < 300; ++round) {
    const Completion<std::string> completion;
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] { winners += completion.Finish(std::to_string(i)) ? 1 : 0; });
    }
    const std::string seen = completion.Wait();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(completion.value(), seen);
  }
}

TEST(CompletionTest, ThoseWhoAskedAreToldInOrderOnTheFinishingThread) {
  const Completion<int> completion;
  std::string order;
  std::thread::id told_on;
  completion.Then([&](const int&) { order += "a"; });
  completion.Then([&](const int&) {
    order += "b";
    told_on = std::this_thread::get_id();
  });
  std::thread finisher([&] { completion.Finish(1); });
  const std::thread::id finisher_id = finisher.get_id();
  finisher.join();
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(told_on, finisher_id);
  completion.Then([&](const int& value) { order += std::to_string(value); });
  EXPECT_EQ(order, "ab1") << "asked after it was finished: told at once";
}

TEST(CompletionTest, WhoIsToldMayLetGoOfTheLastHandle) {
  auto completion = std::make_unique<const Completion<std::string>>();
  std::string told;
  completion->Then([&](const std::string& value) {
    completion.reset();
    told += value;
  });
  completion->Then([&](const std::string& value) { told += value; });
  EXPECT_TRUE(completion->Finish(std::string(100, 'x')));
  EXPECT_EQ(completion, nullptr);
  EXPECT_EQ(told, std::string(200, 'x'));
}

TEST(CompletionTest, HoweverManyAskedAllAreTold) {
  const Completion<int> completion;
  std::string order;
  for (char name = 'a'; name <= 'z'; ++name) {
    completion.Then([&order, name](const int&) { order += name; });
  }
  completion.Finish(1);
  EXPECT_EQ(order, "abcdefghijklmnopqrstuvwxyz");
}

TEST(CompletionTest, WhoAsksWhileOthersAreToldWaitsForHisTurn) {
  const Completion<int> completion;
  std::string order;
  completion.Then([&](const int&) {
    order += "1";
    completion.Then([&](const int&) { order += "3"; });
  });
  completion.Then([&](const int&) { order += "2"; });
  completion.Finish(0);
  EXPECT_EQ(order, "123");
}

TEST(CompletionTest, AnEndlessLimitIsNoLimit) {
  const Completion<int> completion;
  std::thread finisher([completion] { completion.Finish(1); });
  EXPECT_TRUE(completion.WaitFor(Nanoseconds::max()));
  finisher.join();
}

TEST(CompletionTest, WhoAsksWhileItIsFinishedIsToldExactlyOnce) {
  for (int round = 0; round < 500; ++round) {
    const Completion<int> completion;
    std::atomic<int> told{0};
    std::thread finisher([&] { completion.Finish(1); });
    completion.Then([&](const int&) { ++told; });
    finisher.join();
    EXPECT_EQ(told, 1);
  }
}

TEST(CompletionTest, WaitForEndsAtItsLimit) {
  const Completion<int> completion;
  EXPECT_FALSE(completion.WaitFor(std::chrono::milliseconds(5)));
  completion.Finish(1);
  EXPECT_TRUE(completion.WaitFor(std::chrono::milliseconds(5)));
}

TEST(CompletionTest, WhoeverWasToldIsDestroyedThoughHeHeldTheCompletion) {
  auto captured = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = captured;
  {
    const Completion<int> completion;
    completion.Then([completion, captured = std::move(captured)](const int&) {});
    // The callable holds the completion that holds it: broken when it is finished.
    completion.Finish(1);
  }
  EXPECT_TRUE(seen.expired());
}

TEST(CompletionTest, ItIsWantedAsLongAsSomebodyCouldLearnTheValue) {
  const Completion<int> completion;
  EXPECT_FALSE(completion.wanted());
  {
    const Completion<int> other = completion;
    EXPECT_TRUE(completion.wanted());
  }
  EXPECT_FALSE(completion.wanted());
  completion.Then([](const int&) {});
  EXPECT_TRUE(completion.wanted());
  completion.Finish(1);
  EXPECT_FALSE(completion.wanted());
}

TEST(CompletionTest, WhoLetsGoOfItOnAnotherThreadHasAskedBefore) {
  for (int round = 0; round < 500; ++round) {
    const Completion<int> completion;
    std::atomic<bool> told = false;
    std::thread other([completion = Completion<int>(completion), &told]() mutable {
      completion.Then([&](const int&) { told = true; });
      completion = Completion<int>();
    });
    EXPECT_TRUE(completion.wanted()) << "a handle, or somebody who is to be told";
    other.join();
    completion.Finish(1);
    EXPECT_TRUE(told);
  }
}

TEST(CompletionTest, WaitingOnALoopsThreadAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        EventLoop loop;
        loop.Post([] { Completion<int>().Wait(); });
        loop.RunOnce();
      },
      "waited for on a loop's thread");
}

TEST(CompletionTest, AskingForAValueTooEarlyAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(static_cast<void>(Completion<int>().value()), "before it was finished");
}

}  // namespace
}  // namespace belfry
