// The watches of a loop.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "faults.h"
#include "loop/loop_fixture.h"
#include "waiting.h"

namespace belfry {
namespace {

using testing::ElementsAre;

using WatchTest = EventLoopTest;

TEST_F(WatchTest, AReadyDescriptorIsReportedAsLongAsItIsReady) {
  EventLoop loop;
  const Bell bell;
  int calls = 0;
  loop.Watch(bell.fd(), Interest::kReadable, [&](Readiness ready) {
    EXPECT_EQ(ready, Readiness{.readable = true});
    ++calls;
  });
  loop.RunOnce();
  EXPECT_EQ(calls, 0);
  bell.Ring();
  loop.RunOnce();
  loop.RunOnce();
  EXPECT_EQ(calls, 2);
  bell.Silence();
  loop.RunOnce();
  EXPECT_EQ(calls, 2);
}

TEST_F(WatchTest, OnlyWhatIsOfInterestIsReported) {
  EventLoop loop;
  const Bell bell;
  bell.Ring();
  std::vector<Readiness> seen;
  const WatchId watch =
      loop.Watch(bell.fd(), Interest::kNone, [&](Readiness ready) { seen.push_back(ready); });
  loop.RunOnce();
  loop.SetInterest(watch, Interest::kWritable);
  loop.RunOnce();
  loop.SetInterest(watch, Interest::kBoth);
  loop.RunOnce();
  loop.SetInterest(watch, Interest::kNone);
  loop.RunOnce();
  EXPECT_THAT(seen, ElementsAre(Readiness{.writable = true},
                                Readiness{.readable = true, .writable = true}));
}

TEST_F(WatchTest, InterestSwitchedOnAndOffWithinATurnCostsNoSystemCall) {
  EventLoop loop;
  const Bell bell;
  const FailNth count(sys::Call::kEpollModify, 0, 0);
  const WatchId watch = loop.Watch(bell.fd(), Interest::kReadable, [](Readiness) {});
  for (int i = 0; i < 100; ++i) {
    loop.SetInterest(watch, Interest::kBoth);
    loop.SetInterest(watch, Interest::kReadable);
  }
  loop.RunOnce();
  EXPECT_EQ(count.calls(), 0);
}

TEST_F(WatchTest, AWatchThatAnotherOfItsBatchEndedIsNotCalled) {
  EventLoop loop;
  const Bell bells[2];
  WatchId watches[2];
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    bells[i].Ring();
    watches[i] = loop.Watch(bells[i].fd(), Interest::kReadable, [&, i](Readiness) {
      ++calls;
      loop.Unwatch(watches[1 - i]);
    });
  }
  loop.RunOnce();
  EXPECT_EQ(calls, 1);
}

TEST_F(WatchTest, ReadinessOfAClosedDescriptorNeverReachesTheNextOneOfThatNumber) {
  EventLoop loop;
  std::unique_ptr<Bell> bells[2] = {std::make_unique<Bell>(), std::make_unique<Bell>()};
  WatchId watches[2];
  int stale = 0;
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    bells[i]->Ring();
    watches[i] = loop.Watch(bells[i]->fd(), Interest::kReadable, [&, i](Readiness) {
      ++calls;
      const int other = 1 - i;
      const int number = bells[other]->fd();
      loop.Unwatch(watches[other]);
      bells[other].reset();
      bells[other] = std::make_unique<Bell>();
      ASSERT_EQ(bells[other]->fd(), number);
      watches[other] =
          loop.Watch(bells[other]->fd(), Interest::kReadable, [&](Readiness) { ++stale; });
      loop.Unwatch(watches[i]);
    });
  }
  loop.RunOnce();
  loop.RunOnce();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(stale, 0);
}

TEST_F(WatchTest, ACallbackLivesUntilItReturnedEvenIfItEndedItsOwnWatch) {
  EventLoop loop;
  const Bell bell;
  bell.Ring();
  auto witness = std::make_shared<int>(7);
  const std::weak_ptr<int> alive = witness;
  WatchId watch;
  watch = loop.Watch(bell.fd(), Interest::kReadable, [&, witness](Readiness) {
    loop.Unwatch(watch);
    loop.Unwatch(watch);  // stale by now
    EXPECT_FALSE(alive.expired());
    ran_.push_back(std::to_string(*witness));
  });
  witness.reset();
  loop.RunOnce();
  EXPECT_TRUE(alive.expired());
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre("7"));
}

TEST_F(WatchTest, WatchingInsideACallbackWhileTheTableGrowsIsFine) {
  EventLoop loop;
  const std::vector<Bell> bells(100);
  const Bell first;
  first.Ring();
  const std::string far(100, 'x');
  loop.Watch(first.fd(), Interest::kReadable, [&, far](Readiness) {
    for (const Bell& bell : bells) loop.Watch(bell.fd(), Interest::kReadable, [](Readiness) {});
    ran_.push_back(far);
    first.Silence();
  });
  loop.RunOnce();
  EXPECT_THAT(ran_, ElementsAre(far));
}

TEST_F(WatchTest, AWatchThatEndedStaysSilentThoughADuplicateOfItsDescriptorIsOpen) {
  EventLoop loop;
  const Bell bell;
  const int duplicate = ::dup(bell.fd());
  int calls = 0;
  const WatchId watch = loop.Watch(bell.fd(), Interest::kReadable, [&](Readiness) { ++calls; });
  loop.Unwatch(watch);
  bell.Ring();
  loop.RunOnce();
  EXPECT_EQ(calls, 0);
  ::close(duplicate);
}

TEST_F(WatchTest, HangUpIsReportedWithoutAnyInterest) {
  EventLoop loop;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  Readiness seen;
  WatchId watch;
  watch = loop.Watch(ends[1], Interest::kNone, [&](Readiness ready) {
    seen = ready;
    loop.Unwatch(watch);
  });
  ::close(ends[0]);
  loop.RunOnce(kPatience);
  EXPECT_TRUE(seen.error);
  ::close(ends[1]);
}

// Which is told only once, and may be in the batch of one that throws.
TEST_F(WatchTest, AHangUpIsNotLostWhenAnotherCallbackThrows) {
  EventLoop loop;
  int ends[2][2];
  int told = 0;
  int thrown = 0;
  WatchId watches[2];
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(::pipe2(ends[i], O_NONBLOCK | O_CLOEXEC), 0);
    watches[i] = loop.Watch(ends[i][1], Interest::kNone, [&](Readiness) {
      ++told;
      throw 1;
    });
    ::close(ends[i][0]);
  }
  for (int turn = 0; turn < 3; ++turn) {
    try {
      loop.RunOnce();
    } catch (int) {
      ++thrown;
    }
  }
  EXPECT_EQ(told, 2);
  EXPECT_EQ(thrown, 2);
  for (int i = 0; i < 2; ++i) {
    loop.Unwatch(watches[i]);
    ::close(ends[i][1]);
  }
}

TEST_F(WatchTest, WhatAWatchWantsAfterAnotherCallbackHasThrownIsHeardOf) {
  EventLoop loop;
  int ends[2][2];
  int ready = 0;
  bool throws = true;
  WatchId watches[2];
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends[i]), 0);
    watches[i] = loop.Watch(ends[i][1], Interest::kNone, [&](Readiness) {
      if (throws) throw 1;
      ++ready;
    });
    ::close(ends[i][0]);
  }
  EXPECT_THROW(loop.RunOnce(), int);
  throws = false;
  for (const WatchId watch : watches) loop.SetInterest(watch, Interest::kBoth);
  loop.RunOnce();
  loop.RunOnce();
  EXPECT_EQ(ready, 4);
  for (int i = 0; i < 2; ++i) {
    loop.Unwatch(watches[i]);
    ::close(ends[i][1]);
  }
}

TEST_F(WatchTest, AWatchThatTheSystemRefusesThrowsAndLeavesNothing) {
  EventLoop loop;
  const Bell bell;
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  try {
    loop.Watch(file, Interest::kReadable, [](Readiness) {});
    ADD_FAILURE() << "a regular file was watched";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EPERM);
  }
  ::close(file);
  {
    const FailNth no_memory(sys::Call::kEpollAdd, 1, ENOMEM);
    EXPECT_THROW(loop.Watch(bell.fd(), Interest::kReadable, [](Readiness) {}), std::system_error);
  }
  const WatchId watch = loop.Watch(bell.fd(), Interest::kReadable, [](Readiness) {});
  EXPECT_THROW(loop.Watch(bell.fd(), Interest::kReadable, [](Readiness) {}), std::system_error);
  loop.Unwatch(watch);
}

TEST_F(WatchTest, AChangeOfInterestThatTheSystemHasNoMemoryForIsMadeLater) {
  EventLoop loop;
  const Bell bell;
  bell.Ring();
  const WatchId watch = loop.Watch(bell.fd(), Interest::kNone, [&](Readiness) { loop.Stop(); });
  const FailNth no_memory(sys::Call::kEpollModify, 1, ENOMEM);
  loop.SetInterest(watch, Interest::kReadable);
  loop.Run();
  EXPECT_TRUE(no_memory.hit());
}

class WatchDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(WatchDeathTest, ClosingAWatchedDescriptorIsABug) {
  EXPECT_DEATH(
      {
        EventLoop loop;
        const int fd = ::eventfd(0, EFD_CLOEXEC);
        const WatchId watch = loop.Watch(fd, Interest::kReadable, [](Readiness) {});
        ::close(fd);
        loop.Unwatch(watch);
      },
      "closed before its watch was ended");
}

TEST(ReadinessTest, OnlyWhatHasANameIsCompared) {
  Readiness readiness{.readable = true};
  unsigned char bits = 0;
  static_assert(sizeof(bits) == sizeof(readiness));
  std::memcpy(&bits, &readiness, sizeof(bits));
  bits |= 2U;  // the system's EPOLLPRI
  std::memcpy(&readiness, &bits, sizeof(bits));
  EXPECT_EQ(readiness, Readiness{.readable = true});
  EXPECT_NE(readiness, Readiness{.writable = true});
}

}  // namespace
}  // namespace belfry
