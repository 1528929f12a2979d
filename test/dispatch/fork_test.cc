// M3: what a child of fork() finds of its parent's dispatcher.

#include <sys/wait.h>
#include <unistd.h>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Work {};

class ForkTest : public ModeTest {};
BELFRY_IN_EVERY_MODE(ForkTest);

TEST_P(ForkTest, M3_PublishingInAChildOfForkIsRefused) {
  const Subscription listener = dispatcher->Subscribe([](const Work&) {}, Options());
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = dispatcher->Publish(Work{}).code() == PublishResult::Code::kForked;
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

class PoolForkTest : public ModeTest {};
BELFRY_IN_POOL_MODES(PoolForkTest);

// The threads that run listeners are not in the child.
TEST_P(PoolForkTest, M3_NothingWaitsForListenersInAChildOfFork) {
  Gate started;
  Gate go_on;
  Subscription listener = dispatcher->Subscribe([&](const Work&) {
    started.Open();
    go_on.Wait();
  });
  ASSERT_TRUE(dispatcher->Publish(Work{}));
  started.Wait();
  ASSERT_TRUE(dispatcher->Publish(Work{}));
  const pid_t child = fork();
  if (child == 0) {
    const bool drained = dispatcher->Drain() != DrainResult::kWouldDeadlock;
    static_cast<void>(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience));
    static_cast<void>(listener.Reset());
    dispatcher.reset();
    _exit(drained ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  go_on.Open();
}

}  // namespace
}  // namespace belfry
