// io_load --port N [--pid N] [--in-flight N] [--visitors N]
//
// Does what its input says, line by line, answers each with a line of JSON, and ends with it:
//
//   open TOTAL          until there are so many connections, each of which has been used once
//   run WARM MEASURED   milliseconds; with --visitors connections that come and go
//   exchange MESSAGES   so many, over the connections that are open
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "bench/io/fail.h"
#include "bench/io/load.h"

namespace bench {
namespace {

struct Arguments {
  LoadOptions load;
  std::size_t visitors = 0;
};

Arguments ReadArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const unsigned long value = std::strtoul(argv[i + 1], nullptr, 10);
    if (name == "--port") arguments.load.port = static_cast<std::uint16_t>(value);
    if (name == "--pid") arguments.load.server = static_cast<pid_t>(value);
    if (name == "--in-flight") arguments.load.in_flight = value;
    if (name == "--visitors") arguments.visitors = value;
  }
  if (arguments.load.port == 0 || arguments.load.in_flight == 0) {
    FailWith("usage: io_load --port N [--pid N] [--in-flight N] [--visitors N]");
  }
  return arguments;
}

std::string Json(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "null";
}

std::string Percentile(std::vector<std::uint64_t>& times, std::size_t percent) {
  if (times.empty()) return "null";
  const auto at = times.begin() + static_cast<std::ptrdiff_t>(times.size() * percent / 100);
  std::nth_element(times.begin(), at, times.end());
  return std::to_string(*at);
}

void Print(LoadResult result) {
  std::ostringstream line;
  line << "{\"messages\": " << result.messages << ", \"seconds\": " << result.usage.seconds
       << ", \"cpu_seconds\": " << result.usage.cpu_seconds
       << ", \"instructions\": " << Json(result.usage.instructions)
       << ", \"cycles\": " << Json(result.usage.cycles)
       << ", \"p50_ns\": " << Percentile(result.latencies, 50)
       << ", \"p99_ns\": " << Percentile(result.latencies, 99) << "}";
  std::cout << line.str() << std::endl;
}

void Serve(const Arguments& arguments) {
  Clients clients(arguments.load);
  Visits visits(arguments.load, arguments.visitors);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    std::uint64_t number = 0;
    std::uint64_t measured = 0;
    words >> command >> number >> measured;
    if (command == "run") {
      const Milliseconds warm(number);
      const Milliseconds time(measured);
      Print(arguments.visitors > 0 ? visits.Run(warm, time) : clients.Run(warm, time));
      continue;
    }
    if (command == "open") {
      clients.Open(number);
    } else if (command == "exchange") {
      clients.Exchange(number);
    } else {
      FailWith("neither open, run nor exchange");
    }
    std::cout << "{}" << std::endl;
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { bench::Serve(bench::ReadArguments(argc, argv)); }
