// What a change of the inline listeners leaves behind.
#pragma once

#include <memory>
#include <utility>

#include "dispatch/inline_group.h"
#include "dispatch/inline_order.h"

namespace belfry {

// Destroyed under no lock.
struct InlineRemains {
  InlineRemains() = default;
  ~InlineRemains() {
    while (groups != nullptr) InlineGroup::Delete(std::exchange(groups, groups->next_retired));
  }
  InlineRemains(const InlineRemains&) = delete;
  InlineRemains& operator=(const InlineRemains&) = delete;

  InlineListener::Identity identity{};
  std::shared_ptr<DispatcherCore> core{};
  std::unique_ptr<InlineOrder> orders{};
  InlineGroup* groups = nullptr;
};

}  // namespace belfry
