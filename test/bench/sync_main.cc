// The synchronous benchmarks: Google Benchmark's flags.
#include <latch>
#include <thread>

#include "benchmark/benchmark.h"

int main(int argc, char** argv) {
  // The C and C++ libraries take locks and count references without atomic operations until a
  // process starts its first thread. Programs with a dispatcher have threads, so all contenders are
  // measured beside one, whichever of them comes first.
  std::latch end(1);
  const std::jthread other([&end] { end.wait(); });

  benchmark::Initialize(&argc, argv);
  const bool understood = !benchmark::ReportUnrecognizedArguments(argc, argv);
  if (understood) benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  end.count_down();
  return understood ? 0 : 2;
}
