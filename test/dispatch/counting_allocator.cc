#include "dispatch/counting_allocator.h"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::int64_t> live_blocks{0};
std::atomic<std::int64_t> live_bytes{0};
thread_local std::uint64_t fail_in = 0;
thread_local bool fail_on = false;
thread_local bool failed = false;
thread_local void (*hook)() = nullptr;

bool Fails() {
  if (fail_in == 0 || --fail_in != 0) return false;
  if (fail_on) fail_in = 1;
  failed = true;
  return true;
}

void* Allocate(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void (*const call)() = hook) {
    hook = nullptr;
    call();
    hook = call;
  }
  if (Fails()) return nullptr;
  void* const memory =
      std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) return nullptr;
  live_blocks.fetch_add(1, std::memory_order_relaxed);
  live_bytes.fetch_add(static_cast<std::int64_t>(malloc_usable_size(memory)),
                       std::memory_order_relaxed);
  return memory;
}

void GiveBack(void* memory) noexcept {
  if (memory == nullptr) return;
  live_blocks.fetch_sub(1, std::memory_order_relaxed);
  live_bytes.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(memory)),
                       std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* const memory = Allocate(size, alignof(std::max_align_t))) return memory;
  throw std::bad_alloc();
}
// The sanitizers have one of their own, which would not call the one above.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  if (void* const memory = Allocate(size, static_cast<std::size_t>(alignment))) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { GiveBack(memory); }
void operator delete(void* memory, std::size_t) noexcept { GiveBack(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { GiveBack(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { GiveBack(memory); }

std::uint64_t belfry::Allocations() { return allocations; }
std::int64_t belfry::LiveBlocks() { return live_blocks; }
std::int64_t belfry::LiveBytes() { return live_bytes; }

void belfry::FailAllocation(std::uint64_t nth) {
  fail_in = nth;
  fail_on = false;
  failed = false;
}
void belfry::FailAllocationsFrom(std::uint64_t nth) {
  FailAllocation(nth);
  fail_on = true;
}

bool belfry::AllocationFailed() { return failed; }

void belfry::CallFromAllocations(void (*called)()) { hook = called; }
