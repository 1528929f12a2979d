// Operations whose allocations fail, one after the other.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "dispatch/counting_allocator.h"

namespace belfry {

struct Load {
  std::string cargo;
};
enum class Failing { kOne, kAllFrom };

class OutOfMemoryTest : public testing::TestWithParam<Failing> {
 protected:
  ManualExecutor executor;
  Dispatcher dispatcher{{.executor = &executor, .log = [](LogLevel, std::string_view) {}}};

  // Runs `operation` again and again; in what it does Armed, the first allocation fails, the next
  // time the second, and so on until none is left to fail. Returns how many there were.
  template <class Operation>
  int FailEachAllocationOf(Operation operation) {
    for (int failures = 0;; ++failures) {
      next_ = static_cast<std::uint64_t>(failures) + 1;
      failed_ = false;
      operation();
      for (const TypeStats& type : dispatcher.GetStats().types) {
        EXPECT_TRUE(type.deliveries.balanced()) << type.event_type.name();
      }
      if (!failed_ || HasFailure()) return failures;
    }
  }
  // Within `operation`. Whether it found enough memory.
  template <class Critical>
  bool Armed(Critical critical) {
    struct Disarm {
      ~Disarm() {
        test.failed_ = AllocationFailed();
        FailAllocation(0);
      }
      OutOfMemoryTest& test;
    };
    try {
      const Disarm disarm{*this};
      GetParam() == Failing::kOne ? FailAllocation(next_) : FailAllocationsFrom(next_);
      critical();
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  bool failed() const { return failed_; }
  std::size_t Listeners() const { return dispatcher.GetStats().listeners.size(); }

 private:
  std::uint64_t next_ = 0;
  bool failed_ = false;
};
}  // namespace belfry
