#include "belfry/testing/duration.h"

#include <cstdint>
#include <utility>

namespace belfry::testing {

std::string ShowDuration(Nanoseconds duration) {
  constexpr std::pair<std::int64_t, const char*> kUnits[] = {
      {1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}};
  const std::int64_t count = duration.count();
  if (count < 0) return "-" + ShowDuration(Nanoseconds(count == INT64_MIN ? INT64_MAX : -count));
  for (const auto& [unit, name] : kUnits) {
    if (count < unit) continue;
    std::string text = std::to_string(count / unit);
    const std::int64_t thousandths = count % unit / (unit / 1000);
    if (thousandths != 0) {
      const std::string decimals = std::to_string(1000 + thousandths).substr(1);
      text += "." + decimals.substr(0, decimals.find_last_not_of('0') + 1);
    }
    return text + name;
  }
  return count == 0 ? "0s" : std::to_string(count) + "ns";
}

}  // namespace belfry::testing
