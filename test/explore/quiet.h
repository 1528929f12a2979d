// Keeps the explorer out of ThreadSanitizer's sight.
//
// The explorer runs one thread at a time, so what it does itself would order everything: seen by
// ThreadSanitizer, its hand-overs would make every race disappear. Unseen, the only order left is
// the one that the explored program makes with its own operations and memory orders, and
// ThreadSanitizer checks that in every schedule. Without ThreadSanitizer all of this does nothing.
#pragma once

extern "C" {
// Of ThreadSanitizer's run-time library, absent elsewhere.
[[gnu::weak]] void AnnotateIgnoreReadsBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreReadsEnd(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesEnd(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreSyncBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreSyncEnd(const char* file, int line);
}

namespace belfry::explore {

inline thread_local unsigned quiet_depth = 0;

inline void AnnotateQuiet() {
  if (AnnotateIgnoreSyncBegin == nullptr) return;
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
}

inline void AnnotateHeard() {
  if (AnnotateIgnoreSyncBegin == nullptr) return;
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

// The explorer's own code, for a block. May be inside another one.
class Quiet {
 public:
  Quiet() {
    if (quiet_depth++ == 0) AnnotateQuiet();
  }
  ~Quiet() {
    if (--quiet_depth == 0) AnnotateHeard();
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
};

// Inside such blocks: what belongs to the explored program.
class Heard {
 public:
  Heard() { AnnotateHeard(); }
  ~Heard() { AnnotateQuiet(); }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;
};

}  // namespace belfry::explore
