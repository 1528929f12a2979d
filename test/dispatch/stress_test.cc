// Everything at once on a pool, from a dozen threads: what each listener sees is in order and in
// its time, and whenever all is quiet the counters are what happened.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/batch.h"
#include "belfry/dispatcher.h"
#include "dispatch/show_counts.h"
#include "scale.h"
#include "waiting.h"

namespace belfry {
namespace {

constexpr int kPublishers = 5;
constexpr int kChangers = 4;
constexpr int kKeys = 4;
constexpr int kPublishes = 1'500;  // of each publisher, a round

struct Origin {
  int publisher = 0;
  int number = 0;
  int key() const { return number % kKeys; }
};
struct Coin : Origin {};  // lies in the log
struct Note : Origin {    // counts its bytes
  std::string text = std::string(40, 'n');
};
std::size_t BelfryEventBytes(const Note& note) { return note.text.size(); }
struct Echo {  // what listeners publish
  int number = 0;
};
struct Reply {  // what they return
  std::string text = "a reply that is longer than what lies in a string itself";
};

// What one listener sees. Outlives it.
struct Witness {
  bool ordered = false;  // as a whole, not only by key
  bool ordered_keys = false;
  // Written without a lock: that deliveries of one key, or of one publisher where the listener is
  // inline, come one after the other is what is promised. The thread sanitizer looks on.
  std::array<std::array<int, kKeys>, kPublishers> last_of_key{};
  std::array<int, kPublishers> last{};
  std::atomic<bool> over{false};  // Reset has returned
};

// Of one event type, as those who publish and those who listen count it.
struct Tally {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> called{0};
  PublishResult Count(PublishResult result) {
    ++(result.ok() ? accepted : refused);
    return result;
  }
};

class Round {
 public:
  Round(unsigned seed, unsigned threads)
      : seed_(seed),
        dispatcher_({.pool = {.threads = threads}, .log = [](LogLevel, std::string_view) {}}) {}

  // `shut`: the end comes while everybody is at work.
  void Run(std::optional<ShutdownMode> shut) {
    std::vector<std::thread> threads;
    for (int p = 0; p < kPublishers; ++p) threads.emplace_back([this, p] { Publish(p); });
    for (unsigned c = 0; c < kChangers; ++c) threads.emplace_back([this, c] { Change(c); });
    threads.emplace_back([this] { Track(); });
    threads.emplace_back([this] { Watch(); });
    const std::uint64_t half = kPublishers * kPublishes / 2;
    if (shut.has_value()) {
      EXPECT_TRUE(Eventually([&] { return Attempts() >= half; }));
      EXPECT_TRUE(dispatcher_.Shutdown(*shut, kPatience).complete);
    }
    for (std::thread& thread : threads) thread.join();
    if (!shut.has_value()) {
      EXPECT_EQ(dispatcher_.Drain(kPatience), DrainResult::kDrained);
    }
    ExpectCountsAreTrue();
    EXPECT_EQ(out_of_order_, 0) << "O1";
    EXPECT_EQ(too_late_, 0) << "X2: called after Reset returned";
    EXPECT_TRUE(dispatcher_.Shutdown(ShutdownMode::kDiscard, kPatience).complete);
  }

  std::uint64_t Attempts() const {
    return coins_.accepted + coins_.refused + notes_.accepted + notes_.refused;
  }

 private:
  using Random = std::minstd_rand;
  static int Below(Random& random, int n) {
    return static_cast<int>(random() % static_cast<unsigned>(n));
  }
  static void MaybeYield(Random& random) {
    if (Below(random, 16) == 0) std::this_thread::yield();
  }
  Random RandomFor(unsigned thread) const { return Random(seed_ * 64 + thread + 1); }

  template <class E>
  Tally& TallyOf() {
    if constexpr (std::is_same_v<E, Coin>) return coins_;
    return notes_;
  }

  // --- Listening ---

  template <class E>
  void See(Witness& witness, const E& event) {
    ++TallyOf<E>().called;
    const auto publisher = static_cast<std::size_t>(event.publisher);
    const auto in_order = [&](int& last) {
      if (event.number <= last) ++out_of_order_;
      last = event.number;
    };
    if (witness.ordered) in_order(witness.last[publisher]);
    if (witness.ordered_keys) {
      in_order(witness.last_of_key[publisher][static_cast<std::size_t>(event.key())]);
    }
    if (event.number % 8 == 3) std::this_thread::yield();
    if (event.number % 8 == 1) echoes_.Count(dispatcher_.Publish(Echo{event.number}));
    if (event.number % 512 == 7) {
      const Subscription inside = dispatcher_.Subscribe([](const Reply&) {});
    }
    if (witness.over) ++too_late_;  // at the end: it is the whole call that Reset waits for
    if (event.number % 32 == 5) throw std::runtime_error("now and then");
  }

  // Calls `use` with one of several kinds of callables.
  template <class E, class Use>
  auto WithCallable(Random& random, const std::shared_ptr<Witness>& witness, Use use) {
    switch (Below(random, 3)) {
      case 0:
        return use([this, witness](const E& event) { See(*witness, event); });
      case 1:
        return use([this, witness](const E& event, Context&) { See(*witness, event); });
      default:
        return use([this, witness](const E& event) -> std::optional<Reply> {
          See(*witness, event);
          return event.number % 16 == 2 ? std::optional(Reply()) : std::nullopt;
        });
    }
  }

  struct Held {
    Subscription subscription;
    std::shared_ptr<Witness> witness;
    std::shared_ptr<int> owner = std::make_shared<int>();
    bool of_coins;
  };

  template <class E>
  ListenerOptions RandomOptions(Random& random, Held& held) {
    ListenerOptions options;
    Witness& witness = *held.witness;
    if (Below(random, 5) == 0)
      options.filter = [](const E& event) { return event.number % 3 != 0; };
    options.once = Below(random, 8) == 0;
    if (Below(random, 6) == 0) options.owner = held.owner;
    witness.ordered = true;
    if (Below(random, 3) == 0) {
      options.run = Run::kInline;
      return options;
    }
    options.queue.events_max = static_cast<std::size_t>(1 + Below(random, 64));
    switch (Below(random, 6)) {
      case 0:
        options.overflow = Overflow::Block(std::chrono::microseconds(100));
        break;
      case 1:
        options.overflow = Overflow::Reject();
        break;
      case 2:
        options.overflow = Overflow::DropNewest();
        break;
      case 3:
        options.overflow = Overflow::DropOldest();
        break;
      case 4:
        options.overflow = Overflow::Coalesce([](const E& event) { return event.key(); },
                                              std::chrono::microseconds(100));
        witness.ordered = false;  // who takes another one's place overtakes those between
        witness.ordered_keys = true;
        break;
      default:
        break;
    }
    if (Below(random, 3) == 0) {
      options.key = [](const E& event) { return event.key(); };
      options.concurrency = static_cast<unsigned>(1 + Below(random, 4));
      witness.ordered = false;
      witness.ordered_keys = true;
    } else if (Below(random, 6) == 0) {
      options.concurrency = 3;  // several at once, in no order
      witness.ordered = witness.ordered_keys = false;
    }
    return options;
  }

  template <class E>
  void SubscribeTo(Random& random, Held& held) {
    held.witness = std::make_shared<Witness>();
    held.of_coins = std::is_same_v<E, Coin>;
    const ListenerOptions options = RandomOptions<E>(random, held);
    held.subscription = WithCallable<E>(random, held.witness, [&](auto callable) {
      return dispatcher_.Subscribe<E>(std::move(callable), options);
    });
  }
  template <class E>
  void ReplaceIn(Random& random, Held& held) {
    WithCallable<E>(random, held.witness, [&](auto callable) {
      held.subscription.template Replace<E>(std::move(callable));
    });
  }

  void Change(unsigned changer) {
    Random random = RandomFor(changer);
    std::array<Held, 6> all;
    while (publishing_ > 0) {
      Held& held = all[static_cast<std::size_t>(Below(random, static_cast<int>(all.size())))];
      const int choice = Below(random, 16);
      if (!held.subscription) {
        choice % 2 == 0 ? SubscribeTo<Coin>(random, held) : SubscribeTo<Note>(random, held);
      } else if (choice < 4) {
        EXPECT_EQ(held.subscription.Reset(), ResetResult::kDone);
        held.witness->over = true;
      } else if (choice < 6) {
        held.subscription.Detach();
      } else if (choice < 8) {
        held.subscription.Mute();
      } else if (choice < 11) {
        held.subscription.Unmute();
      } else if (choice < 13) {
        held.of_coins ? ReplaceIn<Coin>(random, held) : ReplaceIn<Note>(random, held);
      } else if (choice < 14) {
        held.owner = std::make_shared<int>();
      } else {
        std::this_thread::yield();
      }
      MaybeYield(random);
    }
  }

  // --- Publishing ---

  template <class E>
  E Make(int publisher, int number) {
    E event;
    event.publisher = publisher;
    event.number = number;
    return event;
  }

  template <class E>
  void PublishOne(Random& random, int publisher, int& number) {
    Tally& tally = TallyOf<E>();
    const E event = Make<E>(publisher, ++number);
    switch (Below(random, 5)) {
      case 0:
        tally.Count(dispatcher_.Publish(event));
        return;
      case 1:
        tally.Count(dispatcher_.Publish(std::make_shared<const E>(event)));
        return;
      case 2:
        tally.Count(dispatcher_.Publish(E(event), {.headers = {{"from", "a publisher"}}}));
        return;
      case 3: {
        Batch batch(dispatcher_.publisher());
        batch.Add(event);
        batch.Add(Make<E>(publisher, ++number));
        const bool all = batch.Commit().ok();
        tally.accepted += 2 - batch.size();
        if (!all) ++tally.refused;
        return;
      }
      default:
        tally.Count(dispatcher_.Publish(E(event)));
    }
  }

  void Publish(int publisher) {
    Random random = RandomFor(kChangers + static_cast<unsigned>(publisher));
    int coin = 0;
    int note = 0;
    for (int i = 0; i < kPublishes; ++i) {
      if (Below(random, 2) == 0) {
        PublishOne<Coin>(random, publisher, coin);
      } else {
        PublishOne<Note>(random, publisher, note);
      }
      MaybeYield(random);
    }
    --publishing_;
  }

  // Its events are of a type of their own, which so has listeners that come and go seldom.
  void Track() {
    std::atomic<std::uint64_t> calls{0};
    const Subscription queued = dispatcher_.Subscribe([&](const Echo&) { ++calls; });
    const Subscription inlined =
        dispatcher_.Subscribe([&](const Echo&) { ++calls; }, {.run = belfry::Run::kInline});
    while (publishing_ > 0) {
      const Completion<PublishOutcome> told = dispatcher_.PublishTracked(Echo{1});
      EXPECT_TRUE(told.WaitFor(kPatience)) << "E1: an outcome was not told";
      echoes_.Count(told.value().result);
      for (const DeliveryOutcome& delivery : told.value().deliveries) {
        EXPECT_NE(delivery.kind, DeliveryOutcome::Kind::kFailed);
      }
    }
  }

  // Looks on. What it sees need not balance while others publish.
  void Watch() {
    while (publishing_ > 0) {
      const Stats stats = dispatcher_.GetStats();
      for (const ListenerStats& listener : stats.listeners) EXPECT_FALSE(listener.name.empty());
      EXPECT_NE(dispatcher_.Drain(std::chrono::milliseconds(1)), DrainResult::kWouldDeadlock);
    }
  }

  // --- When all is quiet ---

  void ExpectCountsAreTrue() const {
    const Stats stats = dispatcher_.GetStats();
    ExpectAllBalanced(stats);
    for (const TypeStats& type : stats.types) {
      EXPECT_EQ(type.deliveries.queued + type.deliveries.running, 0U) << type.event_type.name();
      ExpectTrue<Coin>(type, coins_);
      ExpectTrue<Note>(type, notes_);
      ExpectTrue<Echo>(type, echoes_);
    }
  }
  template <class E>
  static void ExpectTrue(const TypeStats& type, const Tally& tally) {
    if (type.event_type != EventTypeOf<E>()) return;
    EXPECT_EQ(type.published, tally.accepted) << type.event_type.name();
    EXPECT_EQ(type.refused, tally.refused) << type.event_type.name();
    if (std::is_same_v<E, Echo>) return;
    // A listener that returns what is refused has failed, though it was called.
    EXPECT_EQ(type.deliveries.handled + type.deliveries.dead, tally.called)
        << type.event_type.name() << ": " << ToString(type.deliveries);
  }

  const unsigned seed_;
  std::atomic<int> publishing_{kPublishers};
  std::atomic<int> out_of_order_{0};
  std::atomic<int> too_late_{0};
  Tally coins_;
  Tally notes_;
  Tally echoes_;
  Dispatcher dispatcher_;
};

TEST(StressTest, D1_O1_X2_EverythingAtOnceLeavesNothingOutOfOrderOrUncounted) {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<unsigned> seeds = Seeds(2, 2);
  std::uint64_t publishes = 0;
  unsigned rounds = 0;
  do {
    const unsigned seed = seeds.back() + rounds;
    SCOPED_TRACE("BELFRY_SEED=" + std::to_string(seed));
    Round round(seed, seed % 3 == 0 ? 1 : 4);
    const std::optional<ShutdownMode> ends[] = {std::nullopt, ShutdownMode::kDrain, std::nullopt,
                                                ShutdownMode::kDiscard};
    round.Run(ends[seed % 4]);
    publishes += round.Attempts();
    ++rounds;
  } while (!HasFailure() &&
           std::chrono::steady_clock::now() - begin < Length(std::chrono::milliseconds(1'000)));
  std::cout << rounds << " rounds, " << publishes << " publishes\n";
  EXPECT_TRUE(Eventually([] { return CountThreads() == 0; })) << "S1: threads are left";
}

}  // namespace
}  // namespace belfry
