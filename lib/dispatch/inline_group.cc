#include "dispatch/inline_group.h"

#include <algorithm>
#include <bit>
#include <new>

namespace belfry {

InlineGroup* InlineGroup::Make(const ListenerOperations& operations, unsigned capacity) {
  const std::size_t alignment = std::max(alignof(InlineGroup), operations.alignment);
  const std::size_t members_at = sizeof(InlineGroup);
  const std::size_t cells_at = (members_at + capacity * sizeof(Member) + operations.alignment - 1) /
                               operations.alignment * operations.alignment;
  void* const memory =
      ::operator new(cells_at + capacity * operations.size, std::align_val_t(alignment));
  auto* const group = ::new (memory) InlineGroup;
  group->operations = &operations;
  group->call_all = operations.call_all;
  group->capacity = capacity;
  group->members = reinterpret_cast<Member*>(static_cast<std::byte*>(memory) + members_at);
  for (unsigned i = 0; i < capacity; ++i) ::new (&group->members[i]) Member;
  group->cells = static_cast<std::byte*>(memory) + cells_at;
  return group;
}

void InlineGroup::Delete(InlineGroup* group) {
  const std::size_t alignment = std::max(alignof(InlineGroup), group->operations->alignment);
  group->~InlineGroup();
  ::operator delete(group, std::align_val_t(alignment));
}

std::uint64_t InlineGroup::Having(std::uint64_t version, std::uint64_t listeners) const {
  for (std::uint64_t left = listeners; left != 0; left &= left - 1) {
    const auto index = static_cast<unsigned>(std::countr_zero(left));
    if (!Has(index, version)) listeners &= ~Bit(index);
  }
  return listeners;
}

void InlineGroup::Free(unsigned index) {
  members[index].listener.store(nullptr, std::memory_order_relaxed);
  taken &= ~Bit(index);
  const std::uint64_t unsettling = muted.load(std::memory_order_relaxed) | replaced;
  if ((unsettling & Bit(index)) == 0) return;
  // Whoever still has seen the bit, but not that it is one to look at, sees the change.
  live.store(live.load(std::memory_order_relaxed) & ~Bit(index), std::memory_order_release);
  Change();
  members[index].died.store(kNever, std::memory_order_relaxed);
  replaced &= ~Bit(index);
  SetMuted(index, false);
  Settle();
}

}  // namespace belfry
