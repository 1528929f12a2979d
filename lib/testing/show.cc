#include "belfry/testing/show.h"

#include <utility>
#include <vector>

#include "sync/sync.h"

namespace belfry::testing {
namespace {

// By the types' numbers. Never destroyed: tests may end late.
struct Shown {
  sync::Mutex mutex;
  std::vector<ShowEvent> of ABSL_GUARDED_BY(mutex);

  ShowEvent& Of(EventType type) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (of.size() <= type.index()) of.resize(type.index() + 1);
    return of[type.index()];
  }

  static Shown& Instance() {
    static Shown& shown = *new Shown;
    return shown;
  }
};

}  // namespace

void ShowsAs(EventType type, ShowEvent show) {
  Shown& shown = Shown::Instance();
  const sync::Lock lock(shown.mutex);
  shown.Of(type) = show;
}

void ShowsByDefaultAs(EventType type, ShowEvent show) {
  Shown& shown = Shown::Instance();
  const sync::Lock lock(shown.mutex);
  if (shown.Of(type) == nullptr) shown.Of(type) = show;
}

std::string_view ShortName(EventType type) {
  std::string_view name = type.name();
  if (type.schema_version() > 0) return name;
  name = name.substr(0, name.find('<'));  // the templates' arguments have names of their own
  const std::size_t colon = name.rfind(':');
  return type.name().substr(colon == std::string_view::npos ? 0 : colon + 1);
}

std::string Show(EventType type, const void* event) {
  ShowEvent show = nullptr;
  {
    Shown& shown = Shown::Instance();
    const sync::Lock lock(shown.mutex);
    if (type.index() < shown.of.size()) show = shown.of[type.index()];
  }
  std::string name(ShortName(type));
  if (event == nullptr) return name;
  return name + (show != nullptr ? show(event) : "{" + std::to_string(type.size()) + " bytes}");
}

}  // namespace belfry::testing
