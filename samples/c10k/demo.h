// Both sides at once.
#pragma once

#include <cstddef>

#include "absl/status/status.h"

namespace c10k {

// Starts `count` clients in a second process, broadcasts to them for five seconds and prints a
// summary.
// Errors: whatever keeps that from happening; that not every client answered every line, or that
// the two processes do not agree about it.
absl::Status RunDemo(std::size_t count);

}  // namespace c10k
