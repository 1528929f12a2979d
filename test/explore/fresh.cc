#include "explore/fresh.h"

#include <memory>
#include <utility>
#include <vector>

#include "dispatch/thread_record.h"

namespace belfry::explore {
namespace {

// The frames inside others, which lie on the heap.
void DeleteInnerFrames() {
  std::vector<Frame*> inner;
  Frame::ForEach([&](Frame& frame) {
    if (frame.outer() != nullptr) inner.push_back(&frame);
  });
  for (Frame* const frame : inner) delete frame;
}

// The first record stays where it is, since only the library knows who points to it.
void DeleteThreadRecords(ThreadRecord& first) {
  while (ThreadRecord* const second = first.next) {
    first.next = second->next;
    delete second;
  }
  std::destroy_at(&first);
  std::construct_at(&first);
  first.in_use.store(false, std::memory_order_relaxed);
}

}  // namespace

void StartAfresh() {
  // Made when it is first needed; which must not depend on the schedule.
  ThreadRecord::TellWatchers();
  // Threads of failed runs may still stand in some of these: they never go on.
  DeleteInnerFrames();
  if (ThreadRecord* const first = ThreadRecord::First()) DeleteThreadRecords(*first);
}

}  // namespace belfry::explore
