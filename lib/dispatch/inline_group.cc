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

std::uint64_t InlineGroup::BornUntil(std::uint64_t version, std::uint64_t listeners) const {
  for (std::uint64_t left = listeners; left != 0; left &= left - 1) {
    const auto index = static_cast<unsigned>(std::countr_zero(left));
    if (members[index].born.load(std::memory_order_acquire) > version) {
      listeners &= ~(std::uint64_t{1} << index);
    }
  }
  return listeners;
}

}  // namespace belfry
