// absl::Status, declared only: its header alone takes over a second to compile. Whoever calls a
// function that returns one includes "absl/status/status.h" himself.
#pragma once

#include "absl/base/config.h"

namespace absl {
ABSL_NAMESPACE_BEGIN
class Status;
ABSL_NAMESPACE_END
}  // namespace absl
