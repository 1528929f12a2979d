// Listeners of one callable type: inline, they lie side by side and are called by one loop. That
// may make no difference to anybody.

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Call {
  int number = 0;
};

// Listeners that differ in their number only.
class KinTest : public ModeTest {
 protected:
  struct Member {
    KinTest* test;
    int number;
    void operator()(const Call& call) const { test->Visit(number, call); }
  };

  void TearDown() override {
    members.clear();
    ModeTest::TearDown();
  }

  void Join(int number) {
    members[number] = dispatcher->Subscribe(Member{this, number}, Options());
  }
  void Visit(int number, const Call& call) {
    ++visits[static_cast<std::size_t>(number)];
    if (on_visit) on_visit(number, call);
  }
  // Publishes one event, and who got it since the last time.
  std::vector<int> Called() {
    EXPECT_TRUE(dispatcher->Publish(Call{}));
    Settle();
    std::vector<int> called;
    for (std::size_t i = 0; i < visits.size(); ++i) {
      for (int left = visits[i].exchange(0); left > 0; --left)
        called.push_back(static_cast<int>(i));
    }
    return called;
  }

  std::map<int, Subscription> members;
  std::mutex mutex;  // of members, where several threads join
  std::vector<std::atomic<int>> visits = std::vector<std::atomic<int>>(200);
  std::function<void(int, const Call&)> on_visit;
};
BELFRY_IN_EVERY_MODE(KinTest);

std::vector<int> Numbers(int end, int step = 1) {
  std::vector<int> numbers;
  for (int i = 0; i < end; i += step) numbers.push_back(i);
  return numbers;
}

TEST_P(KinTest, R1_AHundredAreEachCalledOnceAndThoseThatWereResetNotAtAll) {
  for (int i = 0; i < 100; ++i) {
    Join(i);
    ASSERT_EQ(Called(), Numbers(i + 1));
  }
  for (int i = 1; i < 100; i += 2) members[i].Reset();
  EXPECT_EQ(Called(), Numbers(100, 2));
  for (int i = 1; i < 100; i += 2) Join(i);
  EXPECT_EQ(Called(), Numbers(100)) << "a place was not used again, or twice";
  EXPECT_EQ(StatsOf<Call>().deliveries.handled, 5050U + 50 + 100);
  EXPECT_EQ(StatsOf<Call>().deliveries.offered, 5050U + 50 + 100);
}

TEST_P(KinTest, R3_SeveralThreadsMayJoinAndLeaveAtOnce) {
  std::atomic<int> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        for (int passing = 0; passing < 10; ++passing) {
          const Subscription one = dispatcher->Subscribe(Member{this, 199}, Options());
          std::this_thread::yield();
          const Subscription two = dispatcher->Subscribe(Member{this, 199}, Options());
          EXPECT_TRUE(one && two);
        }
        const int number = next++;
        Subscription staying = dispatcher->Subscribe(Member{this, number}, Options());
        const std::lock_guard lock(mutex);
        members[number] = std::move(staying);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Called(), Numbers(100));
}

TEST_P(KinTest, E1_AHundredThatAllFailAreAllCalled) {
  on_visit = [](int, const Call&) { throw std::runtime_error("each of us"); };
  for (int i = 0; i < 100; ++i) Join(i);
  EXPECT_EQ(Called(), Numbers(100));
  EXPECT_EQ(StatsOf<Call>().deliveries.dead, 100U);
  for (const ListenerStats& listener : dispatcher->GetStats().listeners) {
    EXPECT_EQ(listener.deliveries.dead, 1U);
  }
}

TEST_P(KinTest, X1_WhoIsResetByAnotherOneBeforeItsTurnIsNotCalledAndAllOthersAre) {
  if (threaded()) GTEST_SKIP() << "O5: on a pool the later ones may have run already";
  constexpr int kMembers = 8;
  for (int resetting = 0; resetting < kMembers; ++resetting) {
    for (int leaving = resetting + 1; leaving < kMembers; ++leaving) {
      for (int i = 0; i < kMembers; ++i) Join(i);
      on_visit = [&](int number, const Call&) {
        if (number == resetting) members[leaving].Reset();
      };
      std::vector<int> others = Numbers(kMembers);
      others.erase(others.begin() + leaving);
      const DeliveryCounts before = StatsOf<Call>().deliveries;
      EXPECT_EQ(Called(), others) << resetting << " resets " << leaving;
      EXPECT_EQ(Called(), others) << resetting << " has reset " << leaving;
      const DeliveryCounts after = StatsOf<Call>().deliveries;
      EXPECT_EQ(after.cancelled - before.cancelled, 1U);
      EXPECT_EQ(after.handled - before.handled, 2U * (kMembers - 1));
      members.clear();
    }
  }
}

TEST_P(KinTest, R1_WhoJoinsDuringAnEventGetsTheNextOneEvenInThePlaceOfAnother) {
  if (threaded()) GTEST_SKIP() << "O5: on a pool the later ones may have run already";
  for (int i = 0; i < 3; ++i) Join(i);
  on_visit = [&](int number, const Call&) {
    if (number != 0 || members.count(3) != 0) return;
    members[2].Reset();
    Join(3);
    Join(4);
  };
  EXPECT_EQ(Called(), (std::vector<int>{0, 1}));
  EXPECT_EQ(Called(), (std::vector<int>{0, 1, 3, 4}));
}

TEST_P(KinTest, X1_WhoFailsAndHasResetAnotherOneIsTheOnlyOneThatFailed) {
  if (threaded()) GTEST_SKIP() << "O5: on a pool the later ones may have run already";
  for (int i = 0; i < 4; ++i) Join(i);
  on_visit = [&](int number, const Call&) {
    if (number != 1) return;
    members[2].Reset();
    throw std::runtime_error("and gone");
  };
  EXPECT_EQ(Called(), (std::vector<int>{0, 1, 3}));
  EXPECT_EQ(StatsOf<Call>().deliveries.dead, 1U);
  EXPECT_EQ(StatsOf<Call>().deliveries.handled, 2U);
  EXPECT_EQ(StatsOf<Call>().deliveries.cancelled, 1U);
}

}  // namespace
}  // namespace belfry
