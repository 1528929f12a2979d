// Readiness of descriptors as events.

#include "belfry/descriptor_events.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <system_error>

#include "belfry/clock.h"
#include "belfry/manual_executor.h"
#include "io/recorder.h"
#include "io/terminal.h"
#include "waiting.h"

namespace belfry {
namespace {

// A pipe that is ready to be read from the start.
class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK), 0);
    Write();
  }
  ~Pipe() {
    ::close(ends_[0]);
    CloseWriting();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reading() const { return ends_[0]; }
  void Write() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void Read() const {
    char byte = 0;
    EXPECT_EQ(::read(ends_[0], &byte, 1), 1);
  }
  void CloseWriting() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }

 private:
  std::array<int, 2> ends_{};
};

class DescriptorEventsTest : public testing::Test {
 protected:
  void Run(int turns = 10) {
    for (int i = 0; i < turns; ++i) loop.RunOnce();
  }
  void Watch(const Pipe& one) { descriptors->Watch(one.reading(), Interest::kReadable); }

  Pipe pipe;
  Pipe other;
  ManualClock clock;
  ManualExecutor executor;
  EventLoop loop{clock};
  Dispatcher dispatcher{{.executor = &executor}};
  std::unique_ptr<DescriptorEvents> descriptors =
      std::make_unique<DescriptorEvents>(loop, dispatcher);
  Recorder<FdReady> seen;
};

TEST_F(DescriptorEventsTest, ItIsWatchedAgainWhenEveryListenerIsDoneWithIt) {
  const Subscription first =
      dispatcher.Subscribe([&](const FdReady& e) { seen.Add(e); }, {.run = Run::kInline});
  const Subscription second = dispatcher.Subscribe([](const FdReady&) {});
  Watch(pipe);
  Run();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen.all()[0].fd, pipe.reading());
  EXPECT_TRUE(seen.all()[0].ready.readable);
  executor.RunUntilIdle();  // the second is done: nothing was read, so it is ready still
  Run();
  EXPECT_EQ(seen.size(), 2U);
  pipe.Read();
  executor.RunUntilIdle();
  Run();
  EXPECT_EQ(seen.size(), 2U);
  pipe.Write();
  Run();
  EXPECT_EQ(seen.size(), 3U);
  executor.RunUntilIdle();
}

TEST_F(DescriptorEventsTest, WhereNobodyListensItRests) {
  Watch(pipe);
  Run(100);
  clock.Advance(std::chrono::milliseconds(60));
  Run(100);
  const Stats stats = dispatcher.GetStats();
  for (const TypeStats& type : stats.types) {
    if (type.event_type == EventTypeOf<FdReady>()) {
      EXPECT_EQ(type.published, 2U);
    }
  }
}

TEST_F(DescriptorEventsTest, WhatAFullQueueRefusesIsToldLater) {
  const Subscription slow =
      dispatcher.Subscribe([&](const FdReady& e) { seen.Add(e); },
                           {.queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  Watch(pipe);
  Watch(other);
  Run();
  executor.RunUntilIdle();
  EXPECT_EQ(seen.size(), 1U);
  const int first = seen.all()[0].fd;
  (first == pipe.reading() ? pipe : other).Read();
  Run();
  clock.Advance(std::chrono::milliseconds(60));
  Run();
  executor.RunUntilIdle();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NE(seen.all()[1].fd, first);
}

TEST_F(DescriptorEventsTest, AHangUpWhileItIsBeingHandledIsToldAfterwards) {
  const Subscription reader = dispatcher.Subscribe([&](const FdReady& e) {
    seen.Add(e);
    if (e.ready.readable) pipe.Read();
  });
  Watch(pipe);
  Run();
  pipe.CloseWriting();
  Run();
  executor.RunUntilIdle();
  Run();
  executor.RunUntilIdle();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen.all()[1].ready.hung_up);
  descriptors->Unwatch(pipe.reading());
  Run();
  EXPECT_EQ(executor.RunUntilIdle(), 0U);
}

// A hang-up is all that is told then, and once.
TEST_F(DescriptorEventsTest, WithoutAnyInterestAHangUpWhileAnotherIsBeingHandledIsToldAfterwards) {
  const Subscription reader = dispatcher.Subscribe([&](const FdReady& e) { seen.Add(e); });
  Terminal terminal;
  descriptors->Watch(terminal.master(), Interest::kNone);
  for (int i = 0; i < 2; ++i) {
    terminal.Open();
    terminal.HangUp();
    Run();
  }
  for (int i = 0; i < 5; ++i) {
    executor.RunUntilIdle();
    Run();
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen.all()[1].ready.hung_up);
  descriptors->Unwatch(terminal.master());
}

TEST_F(DescriptorEventsTest, WithoutAnyInterestAHangUpThatAFullQueueRefusesIsToldLater) {
  const Subscription slow =
      dispatcher.Subscribe([&](const FdReady& e) { seen.Add(e); },
                           {.queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  Terminal terminals[2];
  for (Terminal& terminal : terminals) {
    descriptors->Watch(terminal.master(), Interest::kNone);
    terminal.Open();
    terminal.HangUp();
  }
  Run();
  for (int i = 0; i < 3; ++i) {
    executor.RunUntilIdle();
    clock.Advance(std::chrono::milliseconds(60));
    Run();
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NE(seen.all()[0].fd, seen.all()[1].fd);
  for (Terminal& terminal : terminals) descriptors->Unwatch(terminal.master());
}

TEST_F(DescriptorEventsTest, AWatchAndAllOfItMayEndInsideItsEvents) {
  Subscription reader = dispatcher.Subscribe(
      [&](const FdReady& e) {
        seen.Add(e);
        descriptors->Unwatch(e.fd);
        descriptors->Unwatch(e.fd);
        if (seen.size() == 1) descriptors->Watch(e.fd, Interest::kReadable);
        if (seen.size() == 2) descriptors.reset();
      },
      {.run = Run::kInline});
  Watch(pipe);
  Run(50);
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(DescriptorEventsTest, WhatCannotBeWatchedIsAnError) {
  Watch(pipe);
  EXPECT_THROW(Watch(pipe), std::system_error);
  EXPECT_THROW(descriptors->Watch(-1, Interest::kReadable), std::system_error);
}

}  // namespace
}  // namespace belfry
