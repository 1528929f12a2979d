// Order by key, and several events of one listener at the same time.

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/library_events.h"
#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Payment {
  int account = 0;
  int number = 0;
  int publisher = 0;
};
struct Letter {
  std::string to;
  int number = 0;
};

int Account(const Payment& payment) { return payment.account; }

class KeyTest : public ModeTest {
 protected:
  // The mode's listener by key; in mode kInline, where a key is refused, a queued one.
  ListenerOptions ByAccount(unsigned concurrency) {
    ListenerOptions options;
    options.key = Account;
    options.concurrency = concurrency;
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, KeyTest,
                         testing::Values(Mode::kSynchronous, Mode::kManual, Mode::kPool1,
                                         Mode::kPool4),
                         ModeTestName);

TEST_P(KeyTest, O1_O2_EachKeyIsFirstInFirstOutAndNeverOverlapsItself) {
  constexpr int kAccounts = 100;
  constexpr int kEvents = 5'000;
  constexpr int kPublishers = 3;
  struct Seen {
    std::atomic<bool> inside{false};
    std::array<int, kPublishers> last{-1, -1, -1};  // guarded by the promise itself
    int count = 0;
  };
  std::vector<Seen> seen(kAccounts);
  std::atomic<int> overlaps{0};
  std::atomic<int> out_of_order{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Payment& payment) {
        Seen& account = seen[static_cast<std::size_t>(payment.account)];
        if (account.inside.exchange(true)) ++overlaps;
        int& last = account.last[static_cast<std::size_t>(payment.publisher)];
        if (payment.number <= last) ++out_of_order;
        last = payment.number;
        ++account.count;
        account.inside = false;
      },
      ByAccount(4));
  PublishFromThreads(kPublishers, kEvents, [](int publisher, int number) {
    return Payment{number * 7 % kAccounts, number, publisher};
  });
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(out_of_order, 0);
  int count = 0;
  for (const Seen& account : seen) count += account.count;
  EXPECT_EQ(count, kEvents * kPublishers);
  EXPECT_EQ(OnlyListener().deliveries.handled, static_cast<std::uint64_t>(count));
}

TEST_P(KeyTest, O1_LanesDoNotChangeTheOrderOfAKey) {
  std::vector<int> got;
  ListenerOptions options = ByAccount(1);
  options.starvation_max = 1'000;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Payment& payment) { got.push_back(payment.number); }, std::move(options));
  std::vector<int> published;
  for (int number = 0; number < 100; ++number) {
    const Lane lane = number % 2 == 0 ? Lane::kBulk : Lane::kUrgent;
    ASSERT_TRUE(dispatcher->Publish(Payment{7, number}, {.lane = lane}));
    published.push_back(number);
  }
  Settle();
  EXPECT_EQ(got, published);
}

TEST_P(KeyTest, O3_OtherKeysGoOnWhileOneIsBusy) {
  if (mode() != Mode::kPool4) GTEST_SKIP() << "needs several threads";
  Gate busy;
  Gate others_done;
  std::atomic<int> others{0};
  std::atomic<int> waiting{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Payment& payment) {
        if (payment.account == 1) {
          if (payment.number == 0) {
            busy.Open();
            others_done.Wait();
          } else {
            ++waiting;
            EXPECT_TRUE(others_done.open());
          }
        } else if (++others == 20) {
          others_done.Open();
        }
      },
      ByAccount(2));
  ASSERT_TRUE(dispatcher->Publish(Payment{1, 0}));
  busy.Wait();
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Payment{1, i}));
    ASSERT_TRUE(dispatcher->Publish(Payment{1 + i, i}));
  }
  Settle();
  EXPECT_EQ(others, 20);
  EXPECT_EQ(waiting, 20);
}

TEST_P(KeyTest, ConcurrencyIsHowManyRunAtOnceAndNotMore) {
  if (mode() != Mode::kPool4) GTEST_SKIP() << "needs several threads";
  constexpr int kConcurrency = 3;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  const Subscription listener = dispatcher->Subscribe(
      [&](const Payment&) {
        const int now = ++inside;
        int before = most;
        while (before < now && !most.compare_exchange_weak(before, now)) {
        }
        // Not before as many as may are here, or have been.
        EXPECT_TRUE(Eventually([&] { return most == kConcurrency; }));
        --inside;
      },
      {.concurrency = kConcurrency});
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(dispatcher->Publish(Payment{0, i}));
  Settle();
  EXPECT_EQ(most, kConcurrency);
}

TEST_P(KeyTest, TextsAndStructsWithAHashAreKeysToo) {
  std::map<std::string, std::vector<int>> got;
  std::mutex mutex;
  ListenerOptions options;
  options.key = [](const Letter& letter) { return letter.to; };
  options.concurrency = 4;
  const Subscription listener = dispatcher->Subscribe(
      [&](const Letter& letter) {
        const std::lock_guard lock(mutex);
        got[letter.to].push_back(letter.number);
      },
      options);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(dispatcher->Publish(Letter{"somebody " + std::to_string(i % 7), i}));
  }
  Settle();
  EXPECT_EQ(got.size(), 7U);
  for (const auto& [to, numbers] : got) {
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << to;
  }
}

TEST_P(KeyTest, E1_AKeyThatThrowsFailsTheDeliveryAndNothingElse) {
  std::vector<std::string> failures;
  std::mutex mutex;
  const Subscription told = dispatcher->Subscribe([&](const ListenerFailed& failed) {
    const std::lock_guard lock(mutex);
    failures.push_back(failed.listener + ": " + failed.what);
  });
  std::atomic<int> calls{0};
  ListenerOptions options = ByAccount(2);
  options.name = "book";
  options.key = [](const Payment& payment) {
    if (payment.account < 0) throw std::runtime_error("no such account");
    return payment.account;
  };
  const Subscription listener = dispatcher->Subscribe([&](const Payment&) { ++calls; }, options);
  const Subscription other = dispatcher->Subscribe([&](const Payment&) { calls += 100; });
  const Completion<PublishOutcome> outcome = dispatcher->PublishTracked(Payment{-1, 0});
  ASSERT_TRUE(dispatcher->Publish(Payment{1, 1}));
  Settle();
  EXPECT_EQ(calls, 201);
  EXPECT_EQ(failures, std::vector<std::string>{"book: no such account"});
  ASSERT_TRUE(outcome.WaitFor(kPatience));
  ASSERT_EQ(outcome.Wait().deliveries.size(), 2U);
  bool failed = false;
  for (const DeliveryOutcome& delivery : outcome.Wait().deliveries) {
    if (delivery.kind != DeliveryOutcome::Kind::kFailed) continue;
    failed = true;
    EXPECT_EQ(delivery.name, "book");
    EXPECT_EQ(delivery.what, "no such account");
  }
  EXPECT_TRUE(failed);
}

// X2: the key has captures, too.
TEST_P(KeyTest, X2_AfterResetNoKeyIsAskedForAndItsCapturesAreGone) {
  const auto captured = std::make_shared<int>(7);
  std::atomic<bool> over{false};
  std::atomic<int> late{0};
  std::atomic<bool> done{false};
  std::thread publisher([&] {
    while (!done) {
      static_cast<void>(dispatcher->Publish(Payment{1, 1}));
      if (manual != nullptr) manual->RunUntilIdle();
    }
  });
  for (int round = 0; round < 200; ++round) {
    over = false;
    ListenerOptions options = ByAccount(2);
    options.overflow = Overflow::DropNewest();
    options.key = [&, captured](const Payment& payment) {
      if (over) ++late;
      return payment.account + *captured;
    };
    Subscription listener = dispatcher->Subscribe(
        [&, captured](const Payment&) {
          if (over) ++late;
        },
        options);
    options = {};
    if (round % 2 == 0) std::this_thread::yield();
    EXPECT_EQ(listener.Reset(), ResetResult::kDone);
    over = true;
    EXPECT_EQ(captured.use_count(), 1);
  }
  done = true;
  publisher.join();
  EXPECT_EQ(late, 0);
}

TEST_P(KeyTest, AKeyMayPublishAndEndItsListener) {
  int calls = 0;
  Subscription listener;
  ListenerOptions options = ByAccount(1);
  ResetResult result{};
  options.key = [&](const Payment& payment) {
    if (payment.account == 1) {
      EXPECT_TRUE(dispatcher->Publish(Letter{}));
    }
    if (payment.account == 2) result = listener.Reset();
    return payment.account;
  };
  listener = dispatcher->Subscribe([&](const Payment&) { ++calls; }, options);
  ASSERT_TRUE(dispatcher->Publish(Payment{1, 0}));
  Settle();
  EXPECT_EQ(calls, 1);
  ASSERT_TRUE(dispatcher->Publish(Payment{2, 0}));
  Settle();
  EXPECT_EQ(result, ResetResult::kDeferred);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(dispatcher->GetStats().listeners.empty());
}

// --- What makes no sense ---

TEST_P(KeyTest, WhatMeansNothingIsRefusedWithASentence) {
  const auto refused = [&](const ListenerOptions& options) {
    const Subscription listener = dispatcher->Subscribe([](const Payment&) {}, options);
    EXPECT_FALSE(listener);
    return std::string(listener.status().message());
  };
  ListenerOptions options = ByAccount(1);
  options.name = "book";
  options.run = Run::kInline;
  EXPECT_EQ(refused(options),
            "listener \"book\": an inline listener has no queue, so a key, a concurrency, lanes, "
            "what to drop, a retry, a deadline, dead letters and sticky events mean nothing");
  EXPECT_EQ(refused({.name = "book", .concurrency = 0}),
            "listener \"book\": with a concurrency of 0 none of its events may run");
  options = {.name = "book"};
  options.key = [](const Letter& letter) { return letter.number; };
  EXPECT_NE(refused(options).find("the key takes"), std::string::npos);
  options = {.name = "book"};
  options.overflow = Overflow::Coalesce(
      [](const Payment& payment) { return std::optional<int>(payment.account); });
  EXPECT_NE(refused(options).find("neither a number, an enumerator nor a text"), std::string::npos);
  options.overflow = {Overflow::Policy::kCoalesce};
  EXPECT_NE(refused(options).find("Overflow::same"), std::string::npos);
}

}  // namespace
}  // namespace belfry
