// B1, B3 and E3 as a model: many listeners of one type, each with limits and a policy of its own.

#include <atomic>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"
#include "scale.h"

namespace belfry {
namespace {

using Code = PublishResult::Code;

struct Bulk {
  std::size_t bytes = 0;
};
std::size_t BelfryEventBytes(const Bulk& event) { return event.bytes; }
struct Token {  // 64 bytes, which lie in the log
  unsigned char bytes[64]{};
};
std::size_t SizeOf(const Bulk& event) { return event.bytes; }
std::size_t SizeOf(const Token& event) { return sizeof(event); }

// What a queue must do.
struct Model {
  QueueLimit limit;
  std::size_t events = 0;
  std::size_t bytes = 0;

  Code Room(std::size_t size) const {
    if (limit.events_max == 0 || size > limit.bytes_max) return Code::kTooLarge;
    if (events >= limit.events_max || bytes + size > limit.bytes_max) return Code::kQueueFull;
    return Code::kAccepted;
  }
};

// Each listener has an executor of its own, so that any of them may be the slow one.
template <class E>
class FullQueues {
 public:
  explicit FullQueues(unsigned seed) : random_(seed) {}
  ~FullQueues() {
    for (auto& listener : listeners_) listener->subscription.Reset();
  }

  void Run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      const unsigned choice = Random() % 40;
      if (choice < 2) {
        Add();
      } else if (choice == 2) {
        End();
      } else if (choice == 3) {
        inline_ = inline_ ? Subscription()
                          : dispatcher_.Subscribe([this](const E&) { ++inline_calls_; },
                                                  {.run = belfry::Run::kInline});
      } else if (choice < 8) {
        Empty();
      } else {
        Publish();
      }
    }
    while (!listeners_.empty()) {
      ExpectHandled(*listeners_.back());
      listeners_.pop_back();
    }
  }

 private:
  struct Listener {
    Model model;
    ManualExecutor executor;
    int handled = 0;
    int accepted = 0;
    Subscription subscription;
  };

  unsigned Random() { return static_cast<unsigned>(random_()); }

  void Add() {
    if (listeners_.size() >= 6) return;
    auto& listener = *listeners_.emplace_back(std::make_unique<Listener>());
    listener.model.limit = {.events_max = 1 + Random() % 40, .bytes_max = 100 + Random() % 2'000};
    listener.subscription = dispatcher_.Subscribe(
        [&listener](const E&) { ++listener.handled; },
        {.executor = &listener.executor,
         .queue = listener.model.limit,
         .overflow = Random() % 2 == 0 ? Overflow::Reject() : Overflow::Block(Nanoseconds(0))});
  }
  void End() {
    if (listeners_.empty()) return;
    const auto which = static_cast<std::ptrdiff_t>(Random() % listeners_.size());
    listeners_[static_cast<std::size_t>(which)]->subscription.Detach();
    Retire(which);
  }
  void Retire(std::ptrdiff_t which) {
    auto& listener = *listeners_[static_cast<std::size_t>(which)];
    listener.executor.RunUntilIdle();
    listeners_.erase(listeners_.begin() + which);
  }
  void Empty() {
    if (!listeners_.empty()) ExpectHandled(*listeners_[Random() % listeners_.size()]);
  }
  void ExpectHandled(Listener& listener) {
    listener.executor.RunUntilIdle();
    listener.model.events = 0;
    listener.model.bytes = 0;
    ASSERT_EQ(listener.handled, listener.accepted);
  }
  E Make() {
    if constexpr (std::is_same_v<E, Bulk>) {
      return Bulk{1 + Random() % 250};
    } else {
      return Token{};
    }
  }
  void Publish() {
    E event = Make();
    const std::size_t size = SizeOf(event);
    Code expected = Code::kAccepted;
    ListenerId refuser = 0;
    for (const auto& listener : listeners_) {
      expected = listener->model.Room(size);
      refuser = listener->subscription.id();
      if (expected != Code::kAccepted) break;
    }
    const int inline_before = inline_calls_;
    const PublishResult result = dispatcher_.Publish(std::move(event));
    ASSERT_EQ(static_cast<int>(result.code()), static_cast<int>(expected));
    if (!result) {
      ASSERT_EQ(result.refuser(), refuser);
      ASSERT_EQ(inline_calls_, inline_before) << "E3: refused by one, it reached another";
      return;
    }
    ASSERT_EQ(inline_calls_, inline_before + (inline_ ? 1 : 0));
    for (const auto& listener : listeners_) {
      ++listener->accepted;
      ++listener->model.events;
      listener->model.bytes += size;
    }
  }

  std::mt19937 random_;
  ManualExecutor executor_;
  Dispatcher dispatcher_{{.executor = &executor_, .log = [](LogLevel, std::string_view) {}}};
  std::deque<std::unique_ptr<Listener>> listeners_;
  Subscription inline_;
  int inline_calls_ = 0;
};

TEST(FullQueueModelTest, B3_WhateverTheLimitsAndPoliciesAllGetAnEventOrNobody) {
  for (const unsigned seed : Seeds(8, 3'000)) {
    SCOPED_TRACE("BELFRY_SEED=" + std::to_string(seed));
    FullQueues<Bulk>(seed).Run(2'000);
    FullQueues<Token>(seed).Run(2'000);
    if (testing::Test::HasFailure()) return;
  }
}

class FullQueueTest : public ModeTest {};
BELFRY_IN_QUEUED_MODES(FullQueueTest);

TEST_P(FullQueueTest, B3_OnThreadsEveryListenerGetsTheSameEventsWhateverItsPolicy) {
  struct Numbered {
    int publisher;
    int number;
    bool operator==(const Numbered&) const = default;
  };
  struct Heard {
    std::vector<Numbered> events;
  };
  const std::vector<ListenerOptions> policies{
      {.queue = {.events_max = 8}, .overflow = Overflow::Reject()},
      {.queue = {.events_max = 4}, .overflow = Overflow::Block(std::chrono::milliseconds(1))},
      {.queue = {.events_max = 16, .bytes_max = 64}, .overflow = Overflow::Block(kPatience)},
      {.run = Run::kInline}};
  std::vector<Heard> heard(policies.size());
  std::mutex inline_mutex;
  std::vector<Subscription> listeners;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    listeners.push_back(dispatcher->Subscribe(
        [&, i](const Numbered& event) {
          const std::unique_lock lock = policies[i].run == Run::kInline
                                            ? std::unique_lock(inline_mutex)
                                            : std::unique_lock<std::mutex>();
          heard[i].events.push_back(event);
        },
        policies[i]));
  }
  constexpr int kEvents = 2'000;
  PublishFromThreads(2, kEvents, [](int publisher, int number) {
    return Numbered{publisher, number};
  });
  for (const Heard& one : heard) {
    ASSERT_EQ(one.events.size(), 2U * kEvents) << "a refused one must not reach anybody";
    int next[2] = {0, 0};
    for (const Numbered& event : one.events) ASSERT_EQ(event.number, next[event.publisher]++);
  }
  EXPECT_EQ(heard[0].events, heard[1].events) << "of queued ones also the order is one";
}

// B1: no waiting makes room for it, whatever the policy, and nothing overflows on the way.
TEST_P(FullQueueTest, B1_AnEventLargerThanAQueueIsRefusedAtOnceByWhoeverItIsTooLargeFor) {
  constexpr std::size_t kGiB = std::size_t{1} << 30;
  std::atomic<int> calls{0};
  const Subscription roomy =
      dispatcher->Subscribe([&](const Bulk&) { ++calls; },
                            {.queue = {.bytes_max = std::numeric_limits<std::size_t>::max()}});
  for (const Overflow& overflow : {Overflow::Reject(), Overflow::Block(kPatience)}) {
    const Subscription usual =
        dispatcher->Subscribe([&](const Bulk&) { ++calls; }, {.overflow = overflow});
    ASSERT_TRUE(dispatcher->Publish(Bulk{std::size_t{16} << 20})) << "the default, to the byte";
    Settle();
    for (const std::size_t bytes :
         {(std::size_t{16} << 20) + 1, kGiB, std::numeric_limits<std::size_t>::max()}) {
      const PublishResult result = dispatcher->Publish(Bulk{bytes});
      EXPECT_EQ(result.code(), Code::kTooLarge);
      EXPECT_EQ(result.refuser(), usual.id());
    }
  }
  calls = 0;
  ASSERT_TRUE(dispatcher->Publish(Bulk{kGiB})) << "where its limit allows it";
  Settle();
  EXPECT_EQ(calls, 1);
}

TEST_P(FullQueueTest, B1_AnEventOfBytesLargerThanAQueueIsRefusedToo) {
  std::atomic<int> calls{0};
  const Subscription narrow =
      dispatcher->Subscribe([&](const Token&) { ++calls; },
                            {.queue = {.bytes_max = 63}, .overflow = Overflow::Block(kPatience)});
  EXPECT_EQ(dispatcher->Publish(Token{}).code(), Code::kTooLarge);
  Settle();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(StatsOf<Token>().deliveries.offered, 0U);
}

// B2: where nobody waits, those who would are refused like the others.
TEST_P(FullQueueTest, B3_InsideAListenerAFullQueueRefusesWhateverItsPolicy) {
  struct Go {};
  for (const bool block : {true, false}) {
    int handled = 0;
    int accepted = 0;
    PublishResult last;
    const Subscription roomy =
        dispatcher->Subscribe([&](const Token&) { ++handled; }, {.queue = {.events_max = 100'000}});
    Gate full;
    const Subscription narrow = dispatcher->Subscribe(
        [&](const Token&) {
          if (mode() == Mode::kPool4) full.Wait();
        },
        {.queue = {.events_max = 3},
         .overflow = block ? Overflow::Block(kPatience) : Overflow::Reject()});
    const Subscription going = dispatcher->Subscribe([&](const Go&) {
      while ((last = dispatcher->Publish(Token{}))) ++accepted;
      full.Open();
    });
    ASSERT_TRUE(dispatcher->Publish(Go{}));
    Settle();
    EXPECT_EQ(last.code(), block ? Code::kWouldDeadlock : Code::kQueueFull);
    EXPECT_EQ(last.refuser(), narrow.id());
    EXPECT_GE(accepted, 3);
    EXPECT_EQ(handled, accepted);
  }
}

}  // namespace
}  // namespace belfry
