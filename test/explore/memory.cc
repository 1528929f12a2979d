// What becomes of stores on their way to memory.

#include <algorithm>
#include <array>

#include "explore/quiet.h"
#include "explore/run.h"

namespace belfry::explore {

const PendingStore* Run::OwnStore(const Cell& cell) { return Self().stores.Newest(cell); }

bool Run::Delay(const PendingStore& store) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  if (self.stores.empty()) {
    const Touch touch = TouchOf(self, self.object, Access::kWrite);
    static constexpr Option kOptions[] = {0, 1};
    if (Decide(Question::kDelay, kOptions, Cost::kDelay, touch) == 0) {
      Changed(self);
      return false;
    }
  }
  self.stores.Push(store);
  TraceEntry& entry = *trace_.last();
  entry.what = "delayed store";
  entry.has_value = true;
  entry.before = entry.after = store.bits;
  return true;
}

// Everything that the thread has stored reaches memory: a step before the one that demands it,
// since others may still look between.
void Run::DrainStores(ThreadOfRun& self, Where where) {
  if (self.stores.empty()) return;
  Step(self, {OpKind::kDrain, "drain its stores", nullptr, where});
  if (bounds_.reduce && !self.stores.observed()) strategy_.FindRedundant();
  Flush(self, self.stores.size(), /*asked=*/false);
}

// On the owner's thread. `asked`: by another thread, at whose step nothing more is decided.
void Run::Flush(ThreadOfRun& owner, std::size_t count, bool asked) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t object = owner.stores[0].cell->object;
    if (!asked) OfferFlush(owner, object);
    const PendingStore store = owner.stores.Pop();
    Touched(owner, object, Access::kWrite);
    Changed(owner);
    trace_.Add({step_,
                owner.number,
                "store reaches memory:",
                objects_[object].name,
                {},
                true,
                false,
                store.bits,
                store.bits});
    const Heard heard;
    store.apply(store);
  }
}

// The calling thread is about to touch an object in memory: stores of others to it may come first.
// At any other moment nobody could tell.
void Run::OfferFlush(ThreadOfRun& self, std::uint32_t object) {
  for (const auto& owner : threads_) {
    StoreBuffer& stores = owner->stores;
    if (owner.get() == &self || stores.empty()) continue;
    if (bounds_.reduce && !stores.observed()) {
      // Brought to memory before anybody has looked it would not have been delayed at all.
      if (stores[0].cell->object == object) stores.SetObserved();
      continue;
    }
    constexpr std::size_t kCountMax = 15;
    std::array<Option, kCountMax + 1> options{};
    std::size_t used = 0;
    options[used++] = static_cast<Option>(16 * owner->number);
    for (std::size_t i = 0; i < std::min(stores.size(), kCountMax); ++i) {
      if (stores[i].cell->object != object) continue;
      options[used++] = static_cast<Option>(16 * owner->number + i + 1);
    }
    const Option chosen = Decide(Question::kFlush, {options.data(), used}, Cost::kFree);
    if (chosen % 16 == 0) continue;
    HaveFlush(self, *owner, chosen % 16);
  }
}

// Has another thread bring the first of its stores to memory.
void Run::HaveFlush(ThreadOfRun& self, ThreadOfRun& owner, std::size_t count) {
  owner.flush = count;
  owner.flush_for = &self;
  owner.baton.Give();
  self.baton.Take();
}

void Run::HeavyBarrier(Where where) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  Reach(self, {OpKind::kBarrier, "heavy barrier", nullptr, where, /*drains=*/true});
  for (const auto& owner : threads_) {
    StoreBuffer& stores = owner->stores;
    if (owner.get() == &self || stores.empty()) continue;
    if (bounds_.reduce && !stores.observed()) strategy_.FindRedundant();
    HaveFlush(self, *owner, stores.size());
  }
}

}  // namespace belfry::explore
