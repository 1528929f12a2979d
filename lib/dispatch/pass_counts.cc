#include "dispatch/pass_counts.h"

#include <new>
#include <vector>

#include "belfry/check.h"

namespace belfry {
namespace {

// The numbers that are not in use. Never destroyed: dispatchers may go while static objects do.
struct FreeNumbers {
  sync::Mutex mutex;
  std::vector<std::size_t> returned ABSL_GUARDED_BY(mutex);
  std::size_t next ABSL_GUARDED_BY(mutex) = 0;

  static FreeNumbers& Instance() {
    static FreeNumbers& numbers = *new FreeNumbers;
    return numbers;
  }
};

}  // namespace

PassCounts::~PassCounts() {
  for (auto& page : pages_) delete page.load(std::memory_order_relaxed);
}

PassCount* PassCounts::Make(std::size_t topic) {
  Page* const page = new (std::nothrow) Page{};
  if (page == nullptr) return nullptr;
  pages_[topic / kPageSize].store(page, std::memory_order_release);
  return &(*page)[topic % kPageSize];
}

TopicNumber::TopicNumber() {
  FreeNumbers& free = FreeNumbers::Instance();
  const sync::Lock lock(free.mutex);
  if (free.returned.empty()) {
    // Room for the return of every number that was ever given out, so that none fails.
    if (free.returned.capacity() <= free.next) free.returned.reserve(2 * free.next + 64);
    value_ = free.next++;
    BELFRY_CHECK(value_ < PassCounts::kPages * PassCounts::kPageSize,
                 "a process may have 65,536 event types in all its dispatchers at most");
  } else {
    value_ = free.returned.back();
    free.returned.pop_back();
  }
}

TopicNumber::~TopicNumber() {
  FreeNumbers& free = FreeNumbers::Instance();
  const sync::Lock lock(free.mutex);
  free.returned.push_back(value_);
}

}  // namespace belfry
