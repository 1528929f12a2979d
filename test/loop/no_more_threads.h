// A system that has no thread left.
#pragma once

#include <atomic>
#include <cerrno>

#include "sys/sys.h"

namespace belfry {

// Lets the system refuse every thread but the first few.
class NoMoreThreads final : public sys::Hook {
 public:
  explicit NoMoreThreads(int allowed) : left_(allowed) { sys::SetHook(this); }
  ~NoMoreThreads() { sys::SetHook(nullptr); }
  sys::Fault Before(sys::Call call) noexcept override {
    return {.error = call == sys::Call::kStartThread && left_-- <= 0 ? EAGAIN : 0};
  }

 private:
  std::atomic<int> left_;
};

}  // namespace belfry
