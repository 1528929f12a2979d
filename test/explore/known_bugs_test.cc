// Bugs that everybody knows: the explorer finds each, and finds nothing in the corrected form.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "explore/exploring.h"
#include "sync/sync.h"

namespace belfry::explore {
namespace {

using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

constexpr const char* kRequired = "required: ";

// --- A lost increment ---

TEST(KnownBugTest, AnIncrementInTwoStepsLosesOne) {
  ExpectFailure(kRequired, [] {
    sync::Atomic<int> counter{0};
    const auto increment = [&] { counter.store(counter.load() + 1); };
    Together({increment, increment});
    EXPLORE_REQUIRE(counter.load() == 2);
  });
}

TEST(KnownBugTest, AnIncrementInOneStepLosesNone) {
  ExpectSafe([] {
    sync::Atomic<int> counter{0};
    const auto increment = [&] { counter.fetch_add(1, memory_order_relaxed); };
    Together({increment, increment, increment});
    EXPLORE_REQUIRE(counter.load() == 3);
  });
}

// --- Dekker's handshake: both say that they are there, then look; one at least sees the other ---

Scenario Handshake(std::memory_order store) {
  return [store] {
    sync::Atomic<bool> left{false};
    sync::Atomic<bool> right{false};
    bool left_saw = false;
    bool right_saw = false;
    Together({[&] {
                left.store(true, store);
                left_saw = right.load(memory_order_seq_cst);
              },
              [&] {
                right.store(true, store);
                right_saw = left.load(memory_order_seq_cst);
              }});
    EXPLORE_REQUIRE(left_saw || right_saw);
  };
}

TEST(KnownBugTest, AHandshakeWithReleaseStoresFails) {
  ExpectFailure(kRequired, Handshake(memory_order_release));
}

TEST(KnownBugTest, AHandshakeWithSequentiallyConsistentStoresHolds) {
  ExpectSafe(Handshake(memory_order_seq_cst));
}

TEST(KnownBugTest, WithoutStoreBuffersReleaseStoresWouldSeemToHold) {
  ExpectSafe(Handshake(memory_order_release), {.delays = 0});
}

TEST(KnownBugTest, StoresReachMemoryInTheirOrder) {
  // Message passing holds on x86 whatever the orders say.
  ExpectSafe(
      [] {
        sync::Atomic<int> message{0};
        sync::Atomic<bool> sent{false};
        Together({[&] {
                    message.store(42, memory_order_relaxed);
                    sent.store(true, memory_order_relaxed);
                  },
                  [&] {
                    if (!sent.load(memory_order_relaxed)) return;
                    EXPLORE_REQUIRE(message.load(memory_order_relaxed) == 42);
                  }});
      },
      {.preemptions = kUnlimited, .delays = kUnlimited});
}

TEST(KnownBugTest, AThreadSeesItsOwnStoresAtOnce) {
  ExpectSafe([] {
    sync::Atomic<int> value{0};
    const auto work = [&](int mine) {
      value.store(mine, memory_order_relaxed);
      EXPLORE_REQUIRE(value.load(memory_order_relaxed) != 0);
    };
    Together({[&] { work(1); }, [&] { work(2); }});
  });
}

// --- Deadlock by lock order ---

Scenario TwoMutexes(bool same_order) {
  return [same_order] {
    sync::Mutex first;
    sync::Mutex second;
    const auto both = [](sync::Mutex& a, sync::Mutex& b) {
      const sync::Lock lock_a(a);
      const sync::Lock lock_b(b);
    };
    Together({[&] { both(first, second); },
              [&] { same_order ? both(first, second) : both(second, first); }});
  };
}

TEST(KnownBugTest, MutexesInOppositeOrdersDeadlock) {
  ExpectFailure("deadlock\n  T0 waits to join T1 T2", TwoMutexes(false));
}

TEST(KnownBugTest, MutexesInOneOrderDoNot) { ExpectSafe(TwoMutexes(true)); }

// --- A wake-up that nobody gets ---

// A flag and a condition. `locked`: the flag is set under the mutex; else between the waiter's look
// and its wait.
Scenario Flag(bool locked, bool loop) {
  return [locked, loop] {
    sync::Mutex mutex;
    sync::Condition set;
    sync::Atomic<bool> flag{false};
    Together({[&] {
                const sync::Lock lock(mutex);
                while (!flag.load()) {
                  set.Wait(mutex);
                  if (!loop) break;
                }
                EXPLORE_REQUIRE(flag.load());
              },
              [&] {
                if (locked) {
                  const sync::Lock lock(mutex);
                  flag.store(true);
                } else {
                  flag.store(true);
                }
                set.NotifyOne();
              }});
  };
}

TEST(KnownBugTest, AFlagSetOutsideTheMutexLosesTheWakeUp) {
  ExpectFailure("waits to wake and lock c", Flag(/*locked=*/false, /*loop=*/true));
}

TEST(KnownBugTest, AFlagSetUnderTheMutexDoesNot) {
  ExpectSafe(Flag(/*locked=*/true, /*loop=*/true));
}

TEST(KnownBugTest, AWaitWithoutALoopTakesASpuriousWakeUpForReal) {
  ExpectFailure(kRequired, Flag(/*locked=*/true, /*loop=*/false));
}

// Two wait for different things on one condition; one is notified, whoever that is.
Scenario TwoWaiters(bool notify_all) {
  return [notify_all] {
    sync::Mutex mutex;
    sync::Condition changed;
    int stage = 0;
    const auto await = [&](int wanted) {
      const sync::Lock lock(mutex);
      while (stage < wanted) changed.Wait(mutex);
    };
    const auto advance = [&] {
      const sync::Lock lock(mutex);
      ++stage;
      notify_all ? changed.NotifyAll() : changed.NotifyOne();
    };
    Together({[&] { await(1); }, [&] { await(2); },
              [&] {
                advance();
                advance();
              }});
  };
}

TEST(KnownBugTest, NotifyOneOfTwoWhoWaitForDifferentThingsMissesTheOther) {
  ExpectFailure("deadlock", TwoWaiters(/*notify_all=*/false), {.spurious = 0});
}

TEST(KnownBugTest, NotifyAllMissesNobody) {
  ExpectSafe(TwoWaiters(/*notify_all=*/true), {.spurious = 0});
}

// The first only wants to see that something is there, and passes the news on; but not for ever.
Scenario Impatient(bool passes_on) {
  return [passes_on] {
    sync::Mutex mutex;
    sync::Condition ready;
    bool there = false;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
    Together({[&] {
                const sync::Lock lock(mutex);
                bool late = false;
                while (!there) {
                  late = !ready.WaitUntil(mutex, deadline);
                  if (late) break;
                }
                if (there && (passes_on || !late)) ready.NotifyOne();
              },
              [&] {
                const sync::Lock lock(mutex);
                while (!there) ready.Wait(mutex);
              },
              [&] {
                const sync::Lock lock(mutex);
                there = true;
                ready.NotifyOne();
              }});
  };
}

TEST(KnownBugTest, ANotificationSpentOnOneWhoGaveUpIsMissed) {
  ExpectFailure("deadlock", Impatient(/*passes_on=*/false), {.spurious = 0});
}

TEST(KnownBugTest, PassedOnItIsNot) { ExpectSafe(Impatient(/*passes_on=*/true), {.spurious = 0}); }

// --- ABA ---

// A stack of nodes 1 to 3, by their numbers; 0 is the end. `tagged`: the head has a version.
class Stack {
 public:
  explicit Stack(bool tagged) : tagged_(tagged) {
    for (unsigned node = 1; node <= 3; ++node) Push(node);
  }

  void Push(unsigned node) {
    unsigned head = head_.load(memory_order_relaxed);
    do {
      next_[node].store(head % kTag, memory_order_relaxed);
    } while (!head_.compare_exchange_weak(head, Next(head, node), memory_order_release,
                                          memory_order_relaxed));
  }

  unsigned Pop() {
    unsigned head = head_.load(memory_order_acquire);
    while (head % kTag != 0) {
      const unsigned next = next_[head % kTag].load(memory_order_relaxed);
      if (head_.compare_exchange_weak(head, Next(head, next), memory_order_acquire,
                                      memory_order_acquire)) {
        return head % kTag;
      }
    }
    return 0;
  }

 private:
  static constexpr unsigned kTag = 16;

  unsigned Next(unsigned head, unsigned node) const {
    return tagged_ ? (head / kTag + 1) * kTag + node : node;
  }

  const bool tagged_;
  sync::Atomic<unsigned> head_{0};
  std::array<sync::Atomic<unsigned>, 4> next_{};
};

Scenario PopAgainstPopPopPush(bool tagged) {
  return [tagged] {
    Stack stack(tagged);
    std::array<int, 4> taken{};
    unsigned kept = 0;
    Together({[&] { ++taken[stack.Pop()]; },
              [&] {
                const unsigned first = stack.Pop();
                kept = stack.Pop();
                if (first != 0) stack.Push(first);
              }});
    ++taken[kept];
    while (const unsigned node = stack.Pop()) ++taken[node];
    for (std::size_t node = 1; node <= 3; ++node) EXPLORE_REQUIRE(taken[node] == 1);
  };
}

TEST(KnownBugTest, ANodeThatComesBackFoolsAPop) {
  ExpectFailure(kRequired, PopAgainstPopPopPush(/*tagged=*/false));
}

TEST(KnownBugTest, AVersionInTheHeadSaysThatItHasBeenAway) {
  ExpectSafe(PopAgainstPopPopPush(/*tagged=*/true), {.preemptions = 3});
}

// --- An end too early ---

TEST(KnownBugTest, AMutexDestroyedWhileHeldIsFound) {
  ExpectFailure("destroys the mutex", [] {
    std::optional<sync::Mutex> mutex(std::in_place);
    sync::Mutex& held = *mutex;
    sync::Atomic<bool> inside{false};
    Together({[&] {
                const sync::Lock lock(held);
                inside.store(true);
                inside.load();
              },
              [&] {
                while (!inside.load()) sync::Yield();
                mutex.reset();
              }});
  });
}

// --- For ThreadSanitizer ---

// Right on x86 and wrong by the rules of the language. Nothing orders the two threads but the
// explorer, which ThreadSanitizer must not see. Run by explore.tsan only, which expects its report.
TEST(KnownBugTest, DISABLED_AMessageWithoutReleaseIsADataRace) {
  ExpectSafe([] {
    int message = 0;
    sync::Atomic<bool> sent{false};
    Together({[&] {
                message = 42;
                sent.store(true, memory_order_relaxed);
              },
              [&] {
                if (sent.load(memory_order_relaxed)) EXPLORE_REQUIRE(message == 42);
              }});
  });
}

}  // namespace
}  // namespace belfry::explore
