// The end of a program that cannot go on.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace bench {

// Says what the system says.
[[noreturn]] inline void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Without errno.
[[noreturn]] inline void FailWith(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

}  // namespace bench
