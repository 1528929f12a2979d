// The event types that one plugin has asked for.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "belfry/plugin.h"
#include "belfry/plugin_events.h"
#include "plugin/exposed_events.h"
#include "plugin/plugin_listener.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread. Lifetime: a type stays where it is.
class KnownTypes {
 public:
  explicit KnownTypes(const ExposedEvents& exposed) : exposed_(exposed) {}

  // Errors: see belfry_host.
  absl::Status Find(const belfry_event_description* described, const belfry_event_type** type);
  // Errors: see belfry_events.
  absl::Status List(belfry_event_visitor visit, void* user) const;

 private:
  const ExposedEvents& exposed_;
  sync::Mutex mutex_;
  std::vector<std::unique_ptr<belfry_event_type>> types_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
