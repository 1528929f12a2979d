#include "sys/fork.h"

#include <pthread.h>

#include "sync/sync.h"

namespace belfry::sys {
namespace {

sync::Atomic<std::uint32_t> generation{0};

void CountFork() { generation.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::uint32_t ForkGeneration() {
  static const int registered = pthread_atfork(nullptr, nullptr, &CountFork);
  static_cast<void>(registered);
  return generation.load(std::memory_order_relaxed);
}

}  // namespace belfry::sys
