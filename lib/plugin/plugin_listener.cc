#include "plugin/plugin_listener.h"

#include <utility>

#include "plugin/border.h"

namespace belfry {
namespace {

// The deliveries that the thread is in, the innermost first.
struct Delivering {
  const PluginContext* plugin;
  const Delivering* outer;
};
constinit thread_local const Delivering* innermost = nullptr;

class DeliveringScope {
 public:
  explicit DeliveringScope(const PluginContext& plugin) : delivering_{&plugin, innermost} {
    innermost = &delivering_;
  }
  ~DeliveringScope() { innermost = delivering_.outer; }
  DeliveringScope(const DeliveringScope&) = delete;
  DeliveringScope& operator=(const DeliveringScope&) = delete;

 private:
  const Delivering delivering_;
};

}  // namespace

PluginListener::PluginListener(std::string name, const belfry_listener& listener,
                               PluginContext& plugin, PluginCounts& counts)
    : live_(plugin),
      name_(std::move(name)),
      listener_(listener),
      as_view_(listener.type->as_view && (listener.forms & BELFRY_VIEW) != 0),
      counts_(counts) {}

PluginListener::~PluginListener() {
  if (!accepted_ || listener_.released == nullptr) return;
  // What it throws ends here: nobody could do anything about it.
  CallPlugin([this](belfry_error*) {
    listener_.released(listener_.user);
    return BELFRY_OK;
  }).IgnoreError();
}

absl::Status PluginListener::Deliver(const void* event) {
  const PluginBridge& bridge = *type().bridge;
  std::string json;
  belfry_event crossing{};
  crossing.size = sizeof(crossing);
  crossing.name = TextOf(bridge.type.name());
  crossing.schema_version = bridge.type.schema_version();
  if (as_view_) {
    crossing.form = BELFRY_VIEW;
    crossing.data = event;
    crossing.data_size = bridge.type.size();
  } else {
    json = bridge.write_json(event);
    crossing.form = BELFRY_JSON;
    crossing.data = json.data();
    crossing.data_size = json.size();
  }
  const DeliveringScope scope(live_.plugin());
  counts_.delivered.fetch_add(1, std::memory_order_relaxed);
  absl::Status status = CallPlugin(
      [&](belfry_error* error) { return listener_.on_event(listener_.user, &crossing, error); });
  if (!status.ok()) counts_.failed.fetch_add(1, std::memory_order_relaxed);
  return status;
}

bool PluginListener::IsInside(const PluginContext& plugin) {
  for (const Delivering* one = innermost; one != nullptr; one = one->outer) {
    if (one->plugin == &plugin) return true;
  }
  return false;
}

}  // namespace belfry
