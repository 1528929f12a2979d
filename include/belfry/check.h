// BELFRY_CHECK: a bug aborts the process with a message. Always on.
//
//   BELFRY_CHECK(count > 0, "the pool needs at least one thread");
//
// For what happens in operation (a full queue, a closed file) there are results and statuses; a
// failed check means that the program is wrong and that going on would make it worse.
#pragma once

#include <string_view>

#include "belfry/export.h"

namespace belfry {

// Writes "file:line: check failed: condition: message" to stderr and aborts.
// Thread safety: any thread. Does not allocate.
[[noreturn]] BELFRY_EXPORT void CheckFailed(const char* file, int line, const char* condition,
                                            std::string_view message) noexcept;

}  // namespace belfry

#define BELFRY_CHECK(condition, message)                \
  (__builtin_expect(static_cast<bool>(condition), true) \
       ? void(0)                                        \
       : ::belfry::CheckFailed(__FILE__, __LINE__, #condition, (message)))
