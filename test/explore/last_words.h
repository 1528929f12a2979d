// Prints the replay string of the current run when the process dies inside it: by a failed check of
// the library, by a signal, or by a sanitizer's report.
#pragma once

namespace belfry::explore {

class Run;

// Thread safety: one at a time in a process.
class LastWords {
 public:
  explicit LastWords(const Run& run);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
};

}  // namespace belfry::explore
