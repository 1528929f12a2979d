#include "plugin/known_types.h"

#include <cstdint>
#include <string>

#include "plugin/border.h"

namespace belfry {

absl::Status KnownTypes::Find(const belfry_event_description* described,
                              const belfry_event_type** type) {
  if (described == nullptr || type == nullptr)
    return absl::InvalidArgumentError("no description, or no place");
  if (!BELFRY_HAS(belfry_event_description, described, event_alignment)) {
    return TooSmall("an event's description", described->size,
                    offsetof(belfry_event_description, object_abi));
  }
  const std::string name(ViewOf(described->name).substr(0, kPluginNameMax));
  const PluginBridge* const bridge = exposed_.Find(name);
  if (bridge == nullptr) {
    return absl::NotFoundError("the host does not know the event " + name +
                               "; it knows: " + exposed_.Names());
  }
  absl::Status same;
  std::uint32_t direct = 0;
  if (BELFRY_HAS(belfry_event_description, described, object_abi) &&
      described->object_abi.size > 0) {
    direct = BELFRY_OBJECT;
    same = CompareObjects(*described, *bridge);
  } else if (described->fields_size > 0) {
    direct = BELFRY_VIEW;
    same = CompareLayouts(*described, *bridge);
  }
  if (!same.ok()) return same;
  const sync::Lock lock(mutex_);
  for (const auto& known : types_) {
    if (known->bridge == bridge && known->direct == direct)
      return *type = known.get(), absl::OkStatus();
  }
  types_.push_back(std::make_unique<belfry_event_type>(belfry_event_type{bridge, direct}));
  *type = types_.back().get();
  return absl::OkStatus();
}

absl::Status KnownTypes::List(belfry_event_visitor visit, void* user) const {
  if (visit == nullptr) return absl::InvalidArgumentError("no function to call with each event");
  for (const PluginBridge* const bridge : exposed_.All()) {
    const belfry_event_description described = Described(*bridge);
    absl::Status status = CallPlugin([&](belfry_error*) { return visit(user, &described); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace belfry
