// The system's errors in our terms.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace belfry::sys {

// errno `error` of doing `what` to `value`, e.g. "open \"a/b\": No such file or directory".
absl::Status ErrorStatus(int error, std::string_view what, std::string_view value);

// The same as an exception: std::system_error. Reads errno.
[[noreturn]] void ThrowErrno(const std::string& what);

}  // namespace belfry::sys
