// Hands on the system calls that the library makes; see lib/sys/sys.h.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <deque>

#include "sys/sys.h"

namespace belfry {

// What the seam asks. Kept to the end of the process, since another thread may still be asking one
// whose test is over.
class FaultPlan final : public sys::Hook {
 public:
  enum class Kind { kFailNth, kFailAll, kShort };

  FaultPlan(Kind kind, sys::Call call, int n, sys::Fault fault)
      : kind_(kind), call_(call), n_(n), fault_(fault) {}

  static FaultPlan& Start(Kind kind, sys::Call call, int n, sys::Fault fault) {
    static std::deque<FaultPlan> plans;
    FaultPlan& plan = plans.emplace_back(kind, call, n, fault);
    sys::SetHook(&plan);
    return plan;
  }

  sys::Fault Before(sys::Call call) noexcept override {
    if (call != call_) return {};
    const int number = ++calls_;
    if (kind_ == Kind::kFailAll) return fault_;
    if (kind_ == Kind::kFailNth) return number == n_ ? fault_ : sys::Fault{};
    return number % n_ == 0 ? sys::Fault{.error = EINTR} : fault_;
  }

  int calls() const { return calls_; }

 private:
  const Kind kind_;
  const sys::Call call_;
  const int n_;
  const sys::Fault fault_;
  std::atomic<int> calls_{0};
};

// Lets the n-th call of a kind, counted from 1, fail, or do less; n = 0 only counts.
// One of these classes at a time.
class FailNth {
 public:
  FailNth(sys::Call call, int n, int error) : FailNth(call, n, sys::Fault{.error = error}) {}
  FailNth(sys::Call call, int n, sys::Fault fault)
      : n_(n), plan_(FaultPlan::Start(FaultPlan::Kind::kFailNth, call, n, fault)) {}
  ~FailNth() { sys::SetHook(nullptr); }
  FailNth(const FailNth&) = delete;
  FailNth& operator=(const FailNth&) = delete;

  int calls() const { return plan_.calls(); }
  bool hit() const { return calls() >= n_; }

 private:
  const int n_;
  const FaultPlan& plan_;
};

// Lets every call of a kind fail.
class FailAll {
 public:
  FailAll(sys::Call call, int error)
      : plan_(FaultPlan::Start(FaultPlan::Kind::kFailAll, call, 0, sys::Fault{.error = error})) {}
  ~FailAll() { sys::SetHook(nullptr); }
  FailAll(const FailAll&) = delete;
  FailAll& operator=(const FailAll&) = delete;

  int calls() const { return plan_.calls(); }

 private:
  const FaultPlan& plan_;
};

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

// Lets no call of a kind move more than some bytes, and every third one be interrupted.
class ShortCalls {
 public:
  ShortCalls(sys::Call call, std::size_t bytes_max) {
    FaultPlan::Start(FaultPlan::Kind::kShort, call, 3, sys::Fault{.bytes_max = bytes_max});
  }
  ~ShortCalls() { sys::SetHook(nullptr); }
  ShortCalls(const ShortCalls&) = delete;
  ShortCalls& operator=(const ShortCalls&) = delete;
};

}  // namespace belfry
