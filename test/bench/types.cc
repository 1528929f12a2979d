// types: many event types with one inline listener each, published in a random order.
//
// Belfry and the floor are called through the same table of one function per type, so both pay for
// the jump that nobody can predict.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"
#include "bench/floor.h"
#include "bench/sync_register.h"

namespace bench {

inline constexpr std::size_t kTypes = 1000;

template <std::size_t N>
struct NumberedEvent {
  std::uint64_t sequence;
  std::uint64_t amount;
  std::uint64_t account;
  std::uint64_t reference;
};

// 32 bytes, as all events here.
template <std::size_t N>
NumberedEvent<N> MakeNumberedEvent(std::uint64_t sequence) {
  return {sequence, 1, 2, N};
}

template <std::size_t N>
auto NumberedListener(Counter* counter) {
  return [counter](const NumberedEvent<N>& event) { *counter += event.amount; };
}

class BelfryBus {
 public:
  template <std::size_t N>
  void Add(Counter* counter) {
    subscriptions_.push_back(
        dispatcher_.Subscribe(NumberedListener<N>(counter), {.run = belfry::Run::kInline}));
  }
  template <std::size_t N>
  void Emit(std::uint64_t sequence) {
    dispatcher_.Publish(MakeNumberedEvent<N>(sequence));
  }

 private:
  belfry::Dispatcher dispatcher_;
  std::vector<belfry::Subscription> subscriptions_;
};

// A dense index of the type, an acquire load of its table, and the guards of the other floor.
class FloorBus {
 public:
  FloorBus() : slots_(kTypes) {}

  template <std::size_t N>
  void Add(Counter* counter) {
    static FloorTable<NumberedEvent<N>> table;
    table.clear();
    table.emplace_back(NumberedListener<N>(counter));
    slots_[Index<N>()].store(&table, std::memory_order_release);
  }
  template <std::size_t N>
  void Emit(std::uint64_t sequence) {
    CallGuarded<NumberedEvent<N>>(slots_[Index<N>()], MakeNumberedEvent<N>(sequence));
  }

 private:
  static inline std::size_t next_index = 0;
  template <std::size_t N>
  static std::size_t Index() {
    static const std::size_t index = next_index++;
    return index;
  }

  std::vector<std::atomic<const void*>> slots_;
};

template <class Bus, std::size_t... N>
void Types(benchmark::State& state, std::size_t types, std::index_sequence<N...> /*all*/) {
  static constexpr std::array kAdd{&Bus::template Add<N>...};
  static constexpr std::array kEmit{&Bus::template Emit<N>...};

  std::vector<Counter> counters(types);
  Bus bus;
  for (std::size_t i = 0; i < types; ++i) (bus.*kAdd[i])(&counters[i]);

  constexpr std::size_t kSteps = 1 << 16;
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> any_type(0, types - 1);
  std::vector<std::uint16_t> order(kSteps);
  for (auto& type : order) type = static_cast<std::uint16_t>(any_type(random));

  std::uint64_t sequence = 0;
  for (auto _ : state) {
    (bus.*kEmit[order[sequence % kSteps]])(sequence);
    ++sequence;
  }
  Counter counted = 0;
  for (const Counter each : counters) counted += each;
  ExpectCount(state, counted, sequence);
}

template <class Bus>
bool RegisterTypes(const std::string& contender) {
  for (const std::size_t types : {std::size_t{100}, kTypes}) {
    Register("types", std::to_string(types), contender, [=](benchmark::State& state) {
      Types<Bus>(state, types, std::make_index_sequence<kTypes>());
    });
  }
  return true;
}

namespace {
[[maybe_unused]] const bool registered =
    RegisterTypes<BelfryBus>("belfry") && RegisterTypes<FloorBus>("floor");
}  // namespace

}  // namespace bench
