// Why files refuse an operation: for real and fake ones.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace belfry {

inline absl::Status TooManyOperations(std::size_t operations_max) {
  return absl::ResourceExhaustedError("operations_max = " + std::to_string(operations_max) +
                                      " operations wait or run");
}

inline absl::Status NoMoreOperations() {
  return absl::FailedPreconditionError("the dispatcher is closed, or the files have ended");
}

}  // namespace belfry
