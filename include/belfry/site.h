// Where in the source something was asked for.
#pragma once

namespace belfry {

// A place in the source.
struct Site {
  const char* file = "";
  unsigned line = 0;

  static constexpr Site Here(const char* file = __builtin_FILE(),
                             unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace belfry
