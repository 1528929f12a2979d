#include "plugin/config.h"

#include <algorithm>
#include <string>

#include <boost/json/kind.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "plugin/complaints.h"

namespace belfry {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

bool IsOfType(const boost::json::value& value, std::string_view type) {
  if (type == "text") return value.is_string();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  if (type == "array") return value.is_array();
  return value.is_object();
}

void CheckKey(const PluginNote::Key& key, const boost::json::object& config,
              Complaints& complaints) {
  const boost::json::value* const value = config.if_contains(key.name);
  if (value == nullptr) {
    if (key.required) {
      complaints.Add(kInvalid, "key " + key.name + " (" + key.type + ") is missing");
    }
  } else if (!IsOfType(*value, key.type)) {
    complaints.Add(kInvalid, "key " + key.name + " is of kind " +
                                 std::string(boost::json::to_string(value->kind())) +
                                 ", wanted is " + key.type);
  }
}

}  // namespace

absl::Status CheckConfig(const PluginNote& note, std::string_view json) {
  boost::json::error_code error;
  const boost::json::value config = boost::json::parse(json, error);
  const std::string whose = "configuration of plugin " + note.id;
  if (error || !config.is_object()) return absl::InvalidArgumentError(whose + ": no JSON object");

  Complaints complaints;
  for (const PluginNote::Key& key : note.keys) CheckKey(key, config.get_object(), complaints);
  for (const auto& pair : config.get_object()) {
    const std::string name(pair.key());
    const auto is_it = [&](const PluginNote::Key& key) { return key.name == name; };
    if (std::any_of(note.keys.begin(), note.keys.end(), is_it)) continue;
    complaints.Add(kInvalid, "key " + name + " is unknown to it");
  }
  return complaints.status(whose);
}

}  // namespace belfry
