// A program with BENCH_TYPES event types, each subscribed to and published: what the size of two of
// them differs by is what an event type adds to a program.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "belfry/dispatcher.h"

namespace {

template <std::size_t N>
struct NumberedEvent {
  std::uint64_t fields[4];
};

template <std::size_t... N>
std::uint64_t UseAll(std::index_sequence<N...> /*types*/) {
  belfry::Dispatcher dispatcher;
  std::uint64_t sum = 0;
  std::vector<belfry::Subscription> subscriptions;
  (subscriptions.push_back(
       dispatcher.Subscribe([&sum](const NumberedEvent<N>& event) { sum += event.fields[0]; },
                            {.run = belfry::Run::kInline})),
   ...);
  (dispatcher.Publish(NumberedEvent<N>{{1, 2, 3, N}}), ...);
  return sum;
}

}  // namespace

int main() { return UseAll(std::make_index_sequence<BENCH_TYPES>()) == BENCH_TYPES ? 0 : 1; }
