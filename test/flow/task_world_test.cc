// Tasks in a world: what a failing expectation says of those that wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "belfry/flow/sleep.h"
#include "belfry/flow/task.h"
#include "belfry/testing/matchers.h"
#include "belfry/testing/world.h"

namespace belfry {
namespace {

using ::testing::HasSubstr;
using testing::World;

struct SignUpWanted {};
struct UserSignedUp {};

TEST(TaskWorldTest, AFailingExpectationSaysWhereATaskWaitsAndForWhat) {
  World world;
  const Subscription story = world.dispatcher().Subscribe(
      [](const SignUpWanted&) -> Task<UserSignedUp> {
        co_await Sleep(std::chrono::seconds(5));
        co_return UserSignedUp{};
      },
      {.name = "story"});
  world.dispatcher().Publish(SignUpWanted{});
  world.Run();
  EXPECT_THAT(testing::Published<UserSignedUp>().Check(world),
              HasSubstr("coroutines that wait: story on #1 SignUpWanted{1 bytes} for a sleep "
                        "of 5 s (task_world_test.cc:26)\n"));
  EXPECT_THAT(testing::Handled<SignUpWanted>().By("story").Check(world),
              HasSubstr("story has not ended"));
  world.RunFor(std::chrono::seconds(5));
  EXPECT_EQ(testing::Published<UserSignedUp>().Check(world), "");
}

}  // namespace
}  // namespace belfry
