// D1: what is counted is what happened. Random operations, and listeners that count themselves.

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"
#include "scale.h"

namespace belfry {
namespace {

struct Coin {
  unsigned number = 0;
};
struct Echo {
  unsigned number = 0;
};

// What one listener knows of itself. Lives as long as the test.
struct Tally {
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> thrown{0};
  std::uint64_t offered = 0;  // known only while nobody publishes beside
};

class CountersTest : public ModeTest {
 protected:
  static constexpr std::size_t kListenersMax = 90;  // more than a group of one callable type

  struct Entry {
    Subscription subscription;
    std::shared_ptr<Tally> tally;
  };
  struct OneShot {
    std::mutex mutex;
    Subscription subscription;
  };
  struct Published {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    void Count(const PublishResult& result) { ++(result ? accepted : refused); }
  };

  void SetUp() override {
    ModeTest::SetUp();
    Make([](DispatcherOptions& options) { options.log = [](LogLevel, std::string_view) {}; });
    echo_ = dispatcher->Subscribe([tally = echo_tally_](const Echo&) { ++tally->handled; },
                                  {.queue = {.events_max = 50}, .overflow = Overflow::Reject()});
  }
  void TearDown() override {
    Settle();
    entries_.clear();
    one_shots_.clear();
    echo_.Reset();
    ModeTest::TearDown();
  }

  // A callable of a type of its own for each kind, that throws and publishes now and then.
  template <int kKind>
  auto Body(std::shared_ptr<Tally> tally) {
    return [this, tally = std::move(tally)](const Coin& coin) {
      if (coin.number % 16 == 5) echoes_.Count(dispatcher->Publish(Echo{coin.number}));
      if ((coin.number + kKind) % 7 == 0) {
        ++tally->thrown;
        throw kKind;
      }
      ++tally->handled;
    };
  }
  template <int kKind>
  auto BodyWithContext(std::shared_ptr<Tally> tally) {
    return [body = Body<kKind>(std::move(tally))](const Coin& coin, Context&) { body(coin); };
  }
  template <class Use>
  auto WithBody(unsigned kind, std::shared_ptr<Tally> tally, Use use) {
    switch (kind % 6) {
      case 0:
        return use(BodyWithContext<0>(std::move(tally)));
      case 1:
        return use(Body<1>(std::move(tally)));
      default:
        return use(Body<2>(std::move(tally)));
    }
  }

  unsigned Random() { return static_cast<unsigned>(random_()); }
  std::shared_ptr<Tally> NewTally() { return tallies_.emplace_back(std::make_shared<Tally>()); }
  ListenerOptions RandomOptions() {
    ListenerOptions options;
    options.run = Random() % 2 == 0 ? Run::kQueued : Run::kInline;
    options.queue.events_max = Random() % 4 == 0 ? 20 : 5'000;
    options.overflow = Overflow::Reject();
    return options;
  }

  void SubscribeOne() {
    if (entries_.size() >= kListenersMax) return;
    std::shared_ptr<Tally> tally = NewTally();
    Subscription subscription = WithBody(Random(), tally, [&](auto body) {
      return dispatcher->Subscribe(std::move(body), RandomOptions());
    });
    entries_.push_back({std::move(subscription), std::move(tally)});
  }
  // Ends itself inside its first call.
  void SubscribeOneShot() {
    auto shot = std::make_shared<OneShot>();
    std::shared_ptr<Tally> tally = NewTally();
    const std::lock_guard lock(shot->mutex);
    shot->subscription = dispatcher->Subscribe(
        [shot = std::weak_ptr<OneShot>(shot), tally](const Coin&) {
          ++tally->handled;
          if (const auto own = shot.lock()) {
            const std::lock_guard own_lock(own->mutex);
            own->subscription.Detach();
          }
        },
        RandomOptions());
    one_shots_.push_back(std::move(shot));
  }
  void ReplaceOne(Entry& entry) {
    const ReplaceResult result = WithBody(Random(), entry.tally, [&](auto body) {
      return entry.subscription.Replace(std::move(body));
    });
    EXPECT_EQ(result, ReplaceResult::kDone);
  }
  void EndOne(std::size_t index) {
    if (Random() % 2 == 0) {
      EXPECT_EQ(entries_[index].subscription.Reset(), ResetResult::kDone);
    } else {
      entries_[index].subscription.Detach();
    }
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  void ChangeSomething() {
    const std::size_t index = entries_.empty() ? 0 : Random() % entries_.size();
    const unsigned choice = entries_.empty() ? 0 : Random() % 20;
    if (choice < 7) return SubscribeOne();
    if (choice < 11) return EndOne(index);
    if (choice < 14) return entries_[index].subscription.Mute();
    if (choice < 16) return entries_[index].subscription.Unmute();
    if (choice < 18) return ReplaceOne(entries_[index]);
    if (choice < 19) return SubscribeOneShot();
    if (manual != nullptr) manual->RunUntilIdle();
  }

  // Once nothing is under way: every listener, and the type.
  void ExpectCountsAreTrue(bool offered_known) {
    Settle();
    const Stats stats = dispatcher->GetStats();
    std::size_t found = 0;
    for (const ListenerStats& listener : stats.listeners) {
      for (const Entry& entry : entries_) {
        if (entry.subscription.id() != listener.id) continue;
        ++found;
        EXPECT_EQ(listener.deliveries.handled, entry.tally->handled);
        EXPECT_EQ(listener.deliveries.dead, entry.tally->thrown);
        EXPECT_EQ(listener.deliveries.cancelled, 0U);
        if (offered_known) {
          EXPECT_EQ(listener.deliveries.offered, entry.tally->offered);
        }
        EXPECT_EQ(listener.deliveries.queued + listener.deliveries.running, 0U);
      }
    }
    EXPECT_EQ(found, entries_.size());
    std::uint64_t handled = 0;
    std::uint64_t thrown = 0;
    for (const auto& tally : tallies_) {
      handled += tally->handled;
      thrown += tally->thrown;
    }
    const TypeStats coins = StatsOf<Coin>();
    EXPECT_EQ(coins.published, coins_.accepted);
    EXPECT_EQ(coins.refused, coins_.refused);
    EXPECT_EQ(coins.deliveries.handled, handled);
    EXPECT_EQ(coins.deliveries.dead, thrown);
    EXPECT_EQ(coins.deliveries.queued + coins.deliveries.running, 0U);
    const TypeStats echoes = StatsOf<Echo>();
    EXPECT_EQ(echoes.published, echoes_.accepted);
    EXPECT_EQ(echoes.refused, echoes_.refused);
    EXPECT_EQ(echoes.deliveries.handled, echo_tally_->handled);
    ExpectBalanced();
  }

  std::mt19937 random_;
  std::vector<Entry> entries_;
  std::vector<std::shared_ptr<OneShot>> one_shots_;
  std::vector<std::shared_ptr<Tally>> tallies_;
  std::shared_ptr<Tally> echo_tally_ = std::make_shared<Tally>();
  Subscription echo_;
  Published coins_;
  Published echoes_;
};
BELFRY_IN_EVERY_MODE(CountersTest);

TEST_P(CountersTest, D1_StepByStepEveryListenerIsOfferedWhatWasPublishedInItsTime) {
  for (const unsigned seed : Seeds(3, 100)) {
    SCOPED_TRACE("BELFRY_SEED=" + std::to_string(seed));
    random_.seed(seed);
    for (int step = 0; step < 1'500; ++step) {
      if (Random() % 3 != 0) ChangeSomething();
      const PublishResult result = dispatcher->Publish(Coin{Random()});
      coins_.Count(result);
      if (result) {
        for (const Entry& entry : entries_) ++entry.tally->offered;
      }
      if (step % 50 == 0) ExpectCountsAreTrue(true);
      if (HasFailure()) return;
    }
    ExpectCountsAreTrue(true);
  }
}

TEST_P(CountersTest, D1_AtQuiescenceTheCountsAreWhatTheListenersCounted) {
  for (const unsigned seed : Seeds(2, 200)) {
    SCOPED_TRACE("BELFRY_SEED=" + std::to_string(seed));
    random_.seed(seed);
    for (int phase = 0; phase < 4; ++phase) {
      std::atomic<int> publishing{3};
      std::vector<std::thread> publishers;
      for (int p = 0; p < 3; ++p) {
        publishers.emplace_back([&, first = Random()] {
          for (unsigned i = 0; i < 1'000; ++i) {
            coins_.Count(dispatcher->Publish(Coin{first + i}));
            if (i % 32 == 0) std::this_thread::yield();
          }
          --publishing;
        });
      }
      while (publishing > 0) {
        ChangeSomething();
        if (Random() % 8 == 0) std::this_thread::yield();
      }
      for (std::thread& publisher : publishers) publisher.join();
      ExpectCountsAreTrue(false);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace belfry
