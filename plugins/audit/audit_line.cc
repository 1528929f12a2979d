#include "audit_line.h"

#include <array>
#include <cstdio>
#include <ctime>

#include <boost/json/serialize.hpp>

namespace audit {
namespace {

// As RFC 3339 has it, in UTC.
std::string TextOf(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::floor<std::chrono::microseconds>(time - seconds).count();
  const std::time_t whole = std::chrono::system_clock::to_time_t(seconds);
  std::tm utc{};
  ::gmtime_r(&whole, &utc);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + size, text.size() - size, ".%06dZ", static_cast<int>(micros));
  return text.data();
}

// Within the strings of a JSON text there are no line breaks, so a blank does as well.
std::string OnOneLine(std::string_view json) {
  std::string line(json);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return line;
}

}  // namespace

std::string LineOf(std::chrono::system_clock::time_point time, std::string_view name,
                   std::uint32_t schema_version, std::string_view json) {
  return R"({"time":")" + TextOf(time) + R"(","event":)" +
         boost::json::serialize(boost::json::string_view(name.data(), name.size())) +
         R"(,"schema":)" + std::to_string(schema_version) + R"(,"data":)" + OnOneLine(json) + "}\n";
}

}  // namespace audit
