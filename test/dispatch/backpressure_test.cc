// B1 and B2: bounded queues, and who waits for room.

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "belfry/completion.h"
#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Box {
  std::string content;
};
std::size_t BelfryEventBytes(const Box& box) { return sizeof(box) + box.content.size(); }

class BackPressureTest : public ModeTest {};
BELFRY_IN_QUEUED_MODES(BackPressureTest);

// A listener that holds what it gets until it is let go.
struct Slow {
  Gate started;
  Gate go_on;
  std::atomic<int> calls{0};
  auto Body() {
    return [this](const Box&) {
      ++calls;
      started.Open();
      go_on.Wait();
    };
  }
};

TEST_P(BackPressureTest, B1_AFullQueueRejectsByCount) {
  Slow slow;
  const Subscription listener = dispatcher->Subscribe(
      slow.Body(), {.queue = {.events_max = 3}, .overflow = Overflow::Reject()});
  int accepted = 0;
  if (threaded()) {
    accepted += dispatcher->Publish(Box{}).ok();
    slow.started.Wait();
  }
  for (int i = 0; i < 10; ++i) accepted += dispatcher->Publish(Box{}).ok();
  EXPECT_EQ(accepted, threaded() ? 4 : 3) << "what runs has left the queue";
  EXPECT_EQ(StatsOf<Box>().refused, 7U);
  slow.go_on.Open();
  Settle();
  EXPECT_EQ(slow.calls, accepted);
}

TEST_P(BackPressureTest, B1_AFullQueueRejectsByBytesAndAnEventThatNeverFitsAtOnce) {
  Slow slow;
  const Subscription listener =
      dispatcher->Subscribe(slow.Body(), {.queue = {.events_max = 100, .bytes_max = 1000}});
  if (threaded()) {
    ASSERT_TRUE(dispatcher->Publish(Box{}));
    slow.started.Wait();
  }
  ASSERT_TRUE(dispatcher->Publish(Box{std::string(800, 'x')}));
  // Its policy is to wait, but no waiting makes room for this one.
  EXPECT_EQ(dispatcher->Publish(Box{std::string(2000, 'x')}).code(),
            PublishResult::Code::kTooLarge);
  slow.go_on.Open();
  Settle();
}

TEST_P(BackPressureTest, B1_ARefusalIsToldAsAnEventThatNamesTheListener) {
  Slow slow;
  const Subscription listener = dispatcher->Subscribe(
      slow.Body(), {.name = "narrow", .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  std::mutex mutex;
  std::vector<PublishRefused> refusals;
  const Subscription told = dispatcher->Subscribe(
      [&](const PublishRefused& e) {
        const std::lock_guard lock(mutex);
        refusals.push_back(e);
      },
      {.run = Run::kInline});
  while (dispatcher->Publish(Box{})) {
  }
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].listener, "narrow");
  EXPECT_EQ(refusals[0].event_type, EventTypeOf<Box>());
  EXPECT_EQ(refusals[0].result.refuser(), listener.id());
  slow.go_on.Open();
}

TEST_P(BackPressureTest, E4_WhoFailsWhenTheLibraryTellsOfARefusalIsLoggedAndNotTold) {
  Slow slow;
  const Subscription listener = dispatcher->Subscribe(
      slow.Body(), {.queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  std::atomic<int> failures{0};
  const Subscription failed =
      dispatcher->Subscribe([&](const ListenerFailed&) { ++failures; }, {.run = Run::kInline});
  const Subscription told = dispatcher->Subscribe(
      [](const PublishRefused&) { throw std::runtime_error("the messenger stumbles"); },
      {.run = Run::kInline});
  while (dispatcher->Publish(Box{})) {
  }
  EXPECT_EQ(failures, 0);
  EXPECT_NE(log().find("the messenger stumbles"), std::string::npos) << log();
  slow.go_on.Open();
}

TEST_P(BackPressureTest, B1_ABlockingPublishIsRefusedWhenItsPatienceEnds) {
  Slow slow;
  const Subscription listener = dispatcher->Subscribe(
      slow.Body(),
      {.queue = {.events_max = 1}, .overflow = Overflow::Block(std::chrono::milliseconds(10))});
  const auto begin = std::chrono::steady_clock::now();
  PublishResult result;
  do {
    result = dispatcher->Publish(Box{});
  } while (result);
  EXPECT_EQ(result.code(), PublishResult::Code::kQueueFull);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(10));
  slow.go_on.Open();
}

TEST_P(BackPressureTest, B1_ABlockingPublishGoesOnWhenThereIsRoom) {
  Slow slow;
  const Subscription listener = dispatcher->Subscribe(
      slow.Body(), {.queue = {.events_max = 1}, .overflow = Overflow::Block(kPatience)});
  std::atomic<int> published{0};
  std::thread publisher([&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(dispatcher->Publish(Box{}));
      ++published;
    }
  });
  EXPECT_TRUE(Eventually([&] { return StatsOf<Box>().deliveries.queued == 1; }));
  slow.go_on.Open();
  if (manual != nullptr) {
    EXPECT_TRUE(Eventually([&] { return manual->RunUntilIdle() == 0 && published == 20; }));
  }
  publisher.join();
  Settle();
  EXPECT_EQ(slow.calls, 20);
}

TEST_P(BackPressureTest, B1_OfSeveralThatWaitForOnePlaceAllGetItInTheEnd) {
  std::atomic<int> calls{0};
  const Subscription listener =
      dispatcher->Subscribe([&](const Box&) { ++calls; },
                            {.queue = {.events_max = 1}, .overflow = Overflow::Block(kPatience)});
  constexpr int kPublishers = 3;
  constexpr int kEvents = 50;
  std::atomic<int> publishing{kPublishers};
  std::vector<std::thread> publishers;
  for (int p = 0; p < kPublishers; ++p) {
    publishers.emplace_back([&] {
      for (int i = 0; i < kEvents; ++i) EXPECT_TRUE(dispatcher->Publish(Box{}));
      --publishing;
    });
  }
  if (manual != nullptr) {
    EXPECT_TRUE(Eventually([&] { return manual->RunUntilIdle() == 0 && publishing == 0; }));
  }
  for (std::thread& publisher : publishers) publisher.join();
  Settle();
  EXPECT_EQ(calls, kPublishers * kEvents);
  EXPECT_EQ(StatsOf<Box>().refused, 0U);
}

// An event whose move can be held up, and then fails.
struct Brittle {
  struct Way {
    Gate begun;
    Gate go_on;
    std::atomic<bool> breaks{true};
  };
  explicit Brittle(Way& w) : way(&w) {}
  Brittle(Brittle&& other) : way(other.way) {
    if (!way->breaks) return;
    way->begun.Open();
    way->go_on.Wait();
    throw std::runtime_error("broke on the way");
  }
  Brittle& operator=(Brittle&&) = delete;
  ~Brittle() = default;
  Way* way;
};

TEST_P(BackPressureTest, B1_ThePlaceOfAnEventThatBreaksIsForWhoeverWaitsForIt) {
  std::atomic<int> calls{0};
  const Subscription listener =
      dispatcher->Subscribe([&](const Brittle&) { ++calls; },
                            {.queue = {.events_max = 1}, .overflow = Overflow::Block(kPatience)});
  Brittle::Way breaking;
  std::thread breaker([&] {
    EXPECT_THROW(static_cast<void>(dispatcher->Publish(Brittle(breaking))), std::runtime_error);
  });
  breaking.begun.Wait();
  Brittle::Way sound;
  sound.breaks = false;
  std::atomic<bool> waiting{false};
  std::thread waiter([&] {
    waiting = true;
    EXPECT_TRUE(dispatcher->Publish(Brittle(sound)));
  });
  EXPECT_TRUE(Eventually([&] { return waiting.load(); }));
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();  // it has come to its wait by now
  breaking.go_on.Open();
  breaker.join();
  waiter.join();
  Settle();
  EXPECT_EQ(calls, 1);
}

// Nothing but bytes, of a size that all have: counted as events alone.
struct Brick {
  int number = 0;
};

TEST_P(BackPressureTest, B1_TheLimitHoldsToTheEventAlsoForEventsOfBytes) {
  Gate started;
  Gate go_on;
  std::vector<int> got;
  const Subscription narrow = dispatcher->Subscribe(
      [&](const Brick& e) {
        started.Open();
        go_on.Wait();
        got.push_back(e.number);
      },
      {.queue = {.events_max = 300}, .overflow = Overflow::Reject()});
  const Subscription roomy = dispatcher->Subscribe([](const Brick&) {});
  int published = 0;
  if (threaded()) {
    ASSERT_TRUE(dispatcher->Publish(Brick{published++}));
    started.Wait();  // what runs has left the queue
  }
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(dispatcher->Publish(Brick{published++})) << i;
  EXPECT_EQ(dispatcher->Publish(Brick{published}).code(), PublishResult::Code::kQueueFull);
  go_on.Open();
  Settle();
  EXPECT_TRUE(dispatcher->Publish(Brick{published++}));
  Settle();
  ASSERT_EQ(got.size(), static_cast<std::size_t>(published));
  for (int i = 0; i < published; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
}

TEST_P(BackPressureTest, B1_TheLimitOfBytesHoldsToTheByte) {
  if (mode() != Mode::kManual) GTEST_SKIP() << "elsewhere some of it may have run";
  std::size_t got = 0;
  const Subscription listener =
      dispatcher->Subscribe([&](const Box& e) { got += e.content.size(); },
                            {.queue = {.events_max = 100, .bytes_max = 3 * sizeof(Box) + 30},
                             .overflow = Overflow::Reject()});
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(dispatcher->Publish(Box{std::string(10, 'x')}));
    EXPECT_TRUE(dispatcher->Publish(Box{std::string(15, 'x')}));
    EXPECT_EQ(dispatcher->Publish(Box{std::string(6, 'x')}).code(),
              PublishResult::Code::kQueueFull);
    EXPECT_TRUE(dispatcher->Publish(Box{std::string(5, 'x')}));
    EXPECT_EQ(dispatcher->Publish(Box{}).code(), PublishResult::Code::kQueueFull);
    Settle();
  }
  EXPECT_EQ(got, 90U);
  EXPECT_EQ(dispatcher->Publish(Box{std::string(2 * sizeof(Box) + 31, 'x')}).code(),
            PublishResult::Code::kTooLarge);
  EXPECT_TRUE(dispatcher->Publish(Box{std::string(2 * sizeof(Box) + 30, 'x')}));
}

TEST_P(BackPressureTest, B1_WhoWaitsForRoomIsLetGoByAResetOfTheListener) {
  Slow slow;
  Subscription listener = dispatcher->Subscribe(
      slow.Body(), {.queue = {.events_max = 1}, .overflow = Overflow::Block(kPatience)});
  std::atomic<int> published{0};
  std::thread publisher([&] {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(dispatcher->Publish(Box{}));
      ++published;
    }
  });
  EXPECT_TRUE(Eventually([&] { return StatsOf<Box>().deliveries.queued == 1; }));
  listener.Detach();
  publisher.join();
  EXPECT_EQ(published, 5);
  slow.go_on.Open();
  Settle();  // Detach does not wait for the delivery that is in there
}

TEST_P(BackPressureTest, B2_APublishOnAnExecutorsThreadNeverBlocks) {
  struct Go {};
  PublishResult result;
  Slow slow;
  const Subscription full = dispatcher->Subscribe(
      slow.Body(), {.queue = {.events_max = 2}, .overflow = Overflow::Block(kPatience)});
  const Subscription publisher = dispatcher->Subscribe([&](const Go&) {
    while (result) result = dispatcher->Publish(Box{});
    slow.go_on.Open();
  });
  ASSERT_TRUE(dispatcher->Publish(Go{}));
  Settle();
  EXPECT_EQ(result.code(), PublishResult::Code::kWouldDeadlock);
  EXPECT_EQ(result.refuser(), full.id());
}

class SynchronousBackPressureTest : public ModeTest {};
INSTANTIATE_TEST_SUITE_P(Modes, SynchronousBackPressureTest, testing::Values(Mode::kSynchronous),
                         ModeTestName);

TEST_P(SynchronousBackPressureTest, B1_B2_NestedPublishesFillTheQueueAndNeverWait) {
  struct Go {};
  std::vector<PublishResult::Code> codes;
  const Subscription narrow =
      dispatcher->Subscribe([](const Box&) {}, {.queue = {.events_max = 2}});
  const Subscription publisher = dispatcher->Subscribe([&](const Go&) {
    for (int i = 0; i < 3; ++i) codes.push_back(dispatcher->Publish(Box{}).code());
  });
  ASSERT_TRUE(dispatcher->Publish(Go{}));
  using Code = PublishResult::Code;
  EXPECT_EQ(codes, (std::vector<Code>{Code::kAccepted, Code::kAccepted, Code::kWouldDeadlock}));
}

class SpareThreadTest : public ModeTest {};
BELFRY_IN_POOL_MODES(SpareThreadTest);

TEST_P(SpareThreadTest, B2_WhenAllThreadsWaitForWhatOnlyTheyCanBringASpareOneDoes) {
  struct Wait {};
  struct Bring {};
  const unsigned threads = mode() == Mode::kPool4 ? 4 : 1;
  const Completion<int> brought;
  std::atomic<unsigned> waited{0};
  std::atomic<unsigned> spares{0};
  const Subscription told = dispatcher->Subscribe(
      [&](const SpareThreadStarted& e) { spares = e.spare_threads; }, {.run = Run::kInline});
  std::vector<Subscription> waiters;
  for (unsigned i = 0; i < threads; ++i) {
    waiters.push_back(dispatcher->Subscribe([&](const Wait&) {
      EXPECT_EQ(brought.Wait(), 7);
      ++waited;
    }));
  }
  const Subscription bringer = dispatcher->Subscribe([&](const Bring&) { brought.Finish(7); });
  ASSERT_TRUE(dispatcher->Publish(Wait{}));
  ASSERT_TRUE(dispatcher->Publish(Bring{}));
  Settle();
  EXPECT_EQ(waited, threads);
  if (mode() == Mode::kPool1) {
    EXPECT_EQ(spares, 1U);
  }
}

TEST_P(SpareThreadTest, E4_WhoFailsWhenTheLibraryTellsOfASpareThreadIsLoggedAndNotTold) {
  if (mode() != Mode::kPool1) GTEST_SKIP() << "four threads may do without a spare one";
  struct Wait {};
  struct Bring {};
  const Completion<int> brought;
  std::atomic<int> failures{0};
  const Subscription failed =
      dispatcher->Subscribe([&](const ListenerFailed&) { ++failures; }, {.run = Run::kInline});
  const Subscription told = dispatcher->Subscribe(
      [](const SpareThreadStarted&) { throw std::runtime_error("the messenger stumbles"); },
      {.run = Run::kInline});
  const Subscription waiter =
      dispatcher->Subscribe([&](const Wait&) { EXPECT_EQ(brought.Wait(), 7); });
  const Subscription bringer = dispatcher->Subscribe([&](const Bring&) { brought.Finish(7); });
  ASSERT_TRUE(dispatcher->Publish(Wait{}));
  ASSERT_TRUE(dispatcher->Publish(Bring{}));
  Settle();
  EXPECT_EQ(failures, 0);
  EXPECT_NE(log().find("the messenger stumbles"), std::string::npos) << log();
}

}  // namespace
}  // namespace belfry
