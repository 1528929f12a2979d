// What another process uses: processor time, and instructions and cycles where perf events are
// allowed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <vector>

namespace bench {

struct Usage {
  double seconds = 0;                         // on the wall
  double cpu_seconds = 0;                     // of all threads, user space and kernel
  std::optional<std::uint64_t> instructions;  // in user space
  std::optional<std::uint64_t> cycles;        // in user space and kernel
};

class Meter {
 public:
  // The process with all threads that it has now; 0: none, nothing but the wall is measured.
  explicit Meter(pid_t process);
  ~Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  void Begin();
  Usage End();  // since Begin

 private:
  using Counters = std::vector<int>;  // a descriptor for each thread; empty: refused

  double CpuSeconds() const;
  static std::uint64_t Sum(const Counters& counters);

  const pid_t process_;
  clockid_t cpu_clock_ = 0;
  Counters instructions_;
  Counters cycles_;
  std::chrono::steady_clock::time_point begin_;
  double cpu_seconds_ = 0;
  std::uint64_t instructions_before_ = 0;
  std::uint64_t cycles_before_ = 0;
};

}  // namespace bench
