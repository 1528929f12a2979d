// The asynchronous benchmarks: Google Benchmark's flags, and --events=N and --pings=N.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "benchmark/benchmark.h"

#include "bench/async_works.h"

namespace {

// Takes `argument` if it is "--name=NUMBER".
template <class Number>
bool Take(std::string_view argument, std::string_view name, Number& number) {
  if (!argument.starts_with(name)) return false;
  number = static_cast<Number>(std::strtoull(argument.data() + name.size(), nullptr, 10));
  if (number == 0) {
    std::cerr << "not a number greater than 0: " << argument << '\n';
    std::exit(2);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    if (Take(argv[i], "--events=", bench::settings.events)) continue;
    if (Take(argv[i], "--pings=", bench::settings.pings)) continue;
    argv[kept++] = argv[i];
  }
  benchmark::Initialize(&kept, argv);
  if (benchmark::ReportUnrecognizedArguments(kept, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
