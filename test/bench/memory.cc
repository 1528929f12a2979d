// What Belfry takes from the heap. Prints one JSON object a line:
//   {"work": "memory", "variant": ..., "unit": ..., "contender": "belfry", "value": ...}
//
// Bytes are those that malloc counts as given away (mallinfo2), its own overhead included.
// Allocations are calls of operator new on any thread, which this program replaces.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "bench/event.h"
#include "bench/heap.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* Allocate(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
                     ? std::malloc(size)
                     : std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// All other forms of new and delete end up in these.
void* operator new(std::size_t size) { return Allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

namespace {

using bench::BytesInUse;
using bench::Event;
using bench::MakeEvent;

void Print(const char* variant, const char* unit, double value) {
  std::printf(
      "{\"work\": \"memory\", \"variant\": \"%s\", \"unit\": \"%s\", \"contender\": \"belfry\", "
      "\"value\": %.4f}\n",
      variant, unit, value);
}

void PrintBytesPer(const char* variant, std::size_t bytes, std::size_t things) {
  Print(variant, "bytes", static_cast<double>(bytes) / static_cast<double>(things));
}

std::uint64_t sum = 0;

auto Listener(std::uint64_t factor) {
  return [total = &sum, factor](const Event& event) { *total += event.amount * factor; };
}

// An idle queued listener of 16 bytes, its handle included; the inline ones are measured beside the
// rivals', in the synchronous program.
void IdleQueuedListener() {
  constexpr std::size_t kListeners = 2'000;
  belfry::ManualExecutor executor;
  belfry::Dispatcher dispatcher({.executor = &executor});
  std::vector<belfry::Subscription> subscriptions;
  subscriptions.reserve(kListeners);
  const std::size_t before = BytesInUse();
  for (std::size_t i = 0; i < kListeners; ++i) {
    subscriptions.push_back(dispatcher.Subscribe(Listener(i)));
  }
  const std::size_t bytes = BytesInUse() - before + kListeners * sizeof(belfry::Subscription);
  PrintBytesPer("queued listener", bytes, kListeners);
}

template <std::size_t N>
struct NumberedEvent {
  std::uint64_t fields[4];
};

template <std::size_t N>
void PublishNumbered(belfry::Dispatcher& dispatcher) {
  dispatcher.Publish(NumberedEvent<N>{});
}

template <std::size_t N>
belfry::Subscription SubscribeNumbered(belfry::Dispatcher& dispatcher) {
  return dispatcher.Subscribe(
      [total = &sum](const NumberedEvent<N>& event) { *total += event.fields[0]; },
      {.run = belfry::Run::kInline});
}

template <std::size_t... N>
void EventTypes(std::index_sequence<N...> /*types*/) {
  constexpr std::size_t kTypes = sizeof...(N);
  belfry::ManualExecutor executor;
  belfry::Dispatcher dispatcher({.executor = &executor});
  std::vector<belfry::Subscription> subscriptions;
  subscriptions.reserve(kTypes);

  const std::size_t before = BytesInUse();
  (PublishNumbered<N>(dispatcher), ...);
  const std::size_t published = BytesInUse();
  PrintBytesPer("event type", published - before, kTypes);

  (subscriptions.push_back(SubscribeNumbered<N>(dispatcher)), ...);
  (PublishNumbered<N>(dispatcher), ...);
  PrintBytesPer("event type with an inline listener", BytesInUse() - before, kTypes);
}

// One queued listener whose queue is filled to the brim; includes what subscribing it took.
void QueuedDelivery() {
  constexpr std::size_t kEvents = 65'536;
  belfry::ManualExecutor executor;
  belfry::Dispatcher dispatcher({.executor = &executor});
  const std::size_t before = BytesInUse();
  const belfry::Subscription subscription = dispatcher.Subscribe(
      Listener(1), {.queue = {.events_max = kEvents}, .overflow = belfry::Overflow::Reject()});
  for (std::size_t i = 0; i < kEvents; ++i) {
    if (!dispatcher.Publish(MakeEvent(i))) std::abort();
  }
  PrintBytesPer("queued delivery", BytesInUse() - before, kEvents);
  executor.RunUntilIdle();
}

// Allocations per publish after as many as it takes to warm up.
void SteadyState(const char* variant, belfry::Run run) {
  constexpr std::size_t kRounds = 200;
  constexpr std::size_t kEventsPerRound = 500;
  belfry::Dispatcher dispatcher({.pool = {.threads = 1}});
  const belfry::Subscription subscription = dispatcher.Subscribe(Listener(1), {.run = run});
  std::uint64_t before = 0;
  for (std::size_t round = 0; round < 2 * kRounds; ++round) {
    if (round == kRounds) before = allocations.load();
    for (std::size_t i = 0; i < kEventsPerRound; ++i) dispatcher.Publish(MakeEvent(i));
    dispatcher.Drain();
  }
  Print(variant, "allocations",
        static_cast<double>(allocations.load() - before) / (kRounds * kEventsPerRound));
}

}  // namespace

int main() {
  IdleQueuedListener();
  EventTypes(std::make_index_sequence<500>());
  QueuedDelivery();
  SteadyState("inline publish", belfry::Run::kInline);
  SteadyState("queued publish", belfry::Run::kQueued);
}
