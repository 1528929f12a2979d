#include "bench/io/meter.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/io/fail.h"

namespace bench {
namespace {

std::vector<pid_t> ThreadsOf(pid_t process) {
  std::vector<pid_t> threads;
  const std::filesystem::path folder = "/proc/" + std::to_string(process) + "/task";
  for (const auto& each : std::filesystem::directory_iterator(folder)) {
    threads.push_back(static_cast<pid_t>(std::stol(each.path().filename().string())));
  }
  return threads;
}

void CloseAll(std::vector<int>& counters) {
  for (const int counter : counters) ::close(counter);
  counters.clear();
}

// Empty if a counter is refused: without hardware counters, or without the right to use them.
std::vector<int> Open(const std::vector<pid_t>& threads, std::uint64_t what, bool with_kernel) {
  std::vector<int> counters;
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = what;
  attributes.exclude_kernel = with_kernel ? 0 : 1;
  attributes.exclude_hv = 1;
  for (const pid_t thread : threads) {
    const long counter =
        ::syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (counter < 0) {
      CloseAll(counters);
      break;
    }
    counters.push_back(static_cast<int>(counter));
  }
  return counters;
}

}  // namespace

Meter::Meter(pid_t process) : process_(process) {
  if (process_ == 0) return;
  if (::clock_getcpuclockid(process_, &cpu_clock_) != 0) Fail("clock_getcpuclockid");
  const std::vector<pid_t> threads = ThreadsOf(process_);
  instructions_ = Open(threads, PERF_COUNT_HW_INSTRUCTIONS, false);
  cycles_ = Open(threads, PERF_COUNT_HW_CPU_CYCLES, true);
}

Meter::~Meter() {
  CloseAll(instructions_);
  CloseAll(cycles_);
}

double Meter::CpuSeconds() const {
  if (process_ == 0) return 0;
  timespec time{};
  if (::clock_gettime(cpu_clock_, &time) != 0) Fail("clock_gettime");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::uint64_t Meter::Sum(const Counters& counters) {
  std::uint64_t sum = 0;
  for (const int counter : counters) {
    std::uint64_t value = 0;
    if (::read(counter, &value, sizeof value) != sizeof value) Fail("read a counter");
    sum += value;
  }
  return sum;
}

void Meter::Begin() {
  cpu_seconds_ = CpuSeconds();
  instructions_before_ = Sum(instructions_);
  cycles_before_ = Sum(cycles_);
  begin_ = std::chrono::steady_clock::now();
}

Usage Meter::End() {
  Usage usage;
  usage.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  usage.cpu_seconds = CpuSeconds() - cpu_seconds_;
  if (!instructions_.empty()) usage.instructions = Sum(instructions_) - instructions_before_;
  if (!cycles_.empty()) usage.cycles = Sum(cycles_) - cycles_before_;
  return usage;
}

}  // namespace bench
