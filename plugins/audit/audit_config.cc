#include "audit_config.h"

#include <cstdint>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "belfry/plugin_call.h"

namespace audit {
namespace {

constexpr std::int64_t kFilesMax = 1000;

[[noreturn]] void Refuse(const char* key, const boost::json::value& value,
                         const std::string& wanted) {
  throw belfry::plugin::Error(
      BELFRY_INVALID_ARGUMENT,
      "key " + std::string(key) + " is " + boost::json::serialize(value) + ", wanted is " + wanted);
}

void ReadPath(const boost::json::object& config, std::string& path) {
  const boost::json::value& value = config.at("path");
  path = std::string_view(value.as_string());
  if (path.empty() || path.find('\0') != std::string::npos) Refuse("path", value, "a file's name");
}

template <class Number>
void ReadNumber(const boost::json::object& config, const char* key, std::int64_t max,
                Number& number) {
  const boost::json::value* const value = config.if_contains(key);
  if (value == nullptr) return;
  if (!value->is_int64() || value->get_int64() < 1 || value->get_int64() > max) {
    Refuse(key, *value, "an integer from 1 to " + std::to_string(max));
  }
  number = static_cast<Number>(value->get_int64());
}

void ReadEvents(const boost::json::object& config, std::vector<std::string>& events) {
  const boost::json::value* const value = config.if_contains("events");
  if (value == nullptr) return;
  const char* const wanted = "an array of events' names; without the key all are written";
  for (const boost::json::value& name : value->as_array()) {
    if (!name.is_string()) Refuse("events", *value, wanted);
    events.emplace_back(std::string_view(name.get_string()));
  }
  if (events.empty()) Refuse("events", *value, wanted);
}

}  // namespace

Config ReadConfig(std::string_view json) {
  const boost::json::value parsed = boost::json::parse({json.data(), json.size()});
  const boost::json::object& object = parsed.as_object();
  Config config;
  ReadPath(object, config.file.path);
  ReadNumber(object, "bytes_max", INT64_MAX, config.file.bytes_max);
  ReadNumber(object, "files_max", kFilesMax, config.file.files_max);
  ReadEvents(object, config.events);
  return config;
}

}  // namespace audit
