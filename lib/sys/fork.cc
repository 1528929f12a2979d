#include "sys/fork.h"

#include <pthread.h>

namespace belfry::sys {

sync::Atomic<std::uint32_t> fork_generation{0};

void CountForks() {
  static const int registered = pthread_atfork(
      nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
}

}  // namespace belfry::sys
