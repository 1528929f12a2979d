#include "command/host_config.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

#include "plugin/complaints.h"

namespace belfry::command {
namespace {

using boost::json::object;
using boost::json::value;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr std::int64_t kThreadsMax = 1024;
constexpr std::size_t kShownMax = 60;

absl::Status NoJson(std::string_view text, std::size_t at, const std::string& why) {
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return absl::InvalidArgumentError("line " + std::to_string(line) + ": no JSON: " + why);
}

absl::StatusOr<value> Parse(std::string_view text) {
  boost::json::stream_parser parser;
  boost::json::error_code error;
  const std::size_t at = parser.write_some(text.data(), text.size(), error);
  if (!error && at < text.size()) return NoJson(text, at, "something stands behind its end");
  if (!error) parser.finish(error);
  if (error) return NoJson(text, at, error.message());
  return parser.release();
}

std::string Shown(const value& shown) {
  const std::string text = boost::json::serialize(shown);
  return text.size() <= kShownMax ? text : text.substr(0, kShownMax) + "...";
}

// Reads one object of the file and says of its keys what is wrong.
class Reader {
 public:
  // Both outlive it.
  Reader(std::string where, const object& from, Complaints& complaints)
      : where_(std::move(where)), from_(from), complaints_(complaints) {}

  Reader Inside(const std::string& key, const object& value) const {
    return {where_ + key + ".", value, complaints_};
  }
  bool Has(const std::string& key) const { return from_.contains(key); }
  // The value of a key, or null.
  const value* Find(const std::string& key) {
    known_.push_back(key);
    return from_.if_contains(key);
  }
  void IsMissing(const std::string& key, const std::string& wanted) {
    complaints_.Add(kInvalid, where_ + key + " is missing: wanted is " + wanted);
  }
  void IsWrong(const std::string& key, const value& is, const std::string& wanted) {
    complaints_.Add(kInvalid, where_ + key + " is " + Shown(is) + ", wanted is " + wanted);
  }
  // Every key that was not asked for.
  void AreUnknown() {
    std::string names;
    for (const std::string& key : known_) names += (names.empty() ? "" : ", ") + key;
    for (const auto& [key, is] : from_) {
      if (std::find(known_.begin(), known_.end(), std::string(key)) != known_.end()) continue;
      complaints_.Add(kInvalid, where_ + std::string(key) + " is unknown, with " + Shown(is) +
                                    ": there are " + names);
    }
  }

 private:
  const std::string where_;
  const object& from_;
  Complaints& complaints_;
  std::vector<std::string> known_;
};

// The name of a file beside the configuration; "" where there is none, or something else.
std::string ReadFileName(Reader& reader, const char* key, const std::filesystem::path& folder) {
  const value* const file = reader.Find(key);
  if (file == nullptr) return "";
  if (file->is_string() && !file->get_string().empty()) {
    return (folder / std::string(file->get_string())).string();
  }
  reader.IsWrong(key, *file, "the name of a file");
  return "";
}

unsigned ReadThreads(Reader& reader) {
  const value* const threads = reader.Find("threads");
  if (threads == nullptr) return 0;
  const std::int64_t* const number = threads->if_int64();
  if (number != nullptr && *number > 0 && *number <= kThreadsMax) {
    return static_cast<unsigned>(*number);
  }
  reader.IsWrong("threads", *threads, "1 to " + std::to_string(kThreadsMax));
  return 0;
}

HostConfig::Plugin ReadPlugin(Reader reader, const std::filesystem::path& folder) {
  HostConfig::Plugin plugin;
  plugin.file = ReadFileName(reader, "file", folder);
  if (!reader.Has("file")) reader.IsMissing("file", "the name of a file");
  if (const value* const config = reader.Find("config")) {
    if (!config->is_object()) reader.IsWrong("config", *config, "an object");
    plugin.config = boost::json::serialize(*config);
  }
  reader.AreUnknown();
  return plugin;
}

std::vector<HostConfig::Plugin> ReadPlugins(Reader& reader, const std::filesystem::path& folder) {
  const std::string wanted = R"(an array of {"file": "NAME.so", "config": {}})";
  std::vector<HostConfig::Plugin> plugins;
  const value* const all = reader.Find("plugins");
  if (all == nullptr) {
    reader.IsMissing("plugins", wanted);
    return plugins;
  }
  if (!all->is_array() || all->get_array().empty()) {
    reader.IsWrong("plugins", *all, wanted);
    return plugins;
  }
  for (const value& one : all->get_array()) {
    const std::string key = "plugins[" + std::to_string(plugins.size()) + "]";
    if (one.is_object()) {
      plugins.push_back(ReadPlugin(reader.Inside(key, one.get_object()), folder));
    } else {
      plugins.emplace_back();
      reader.IsWrong(key, one, R"({"file": "NAME.so"})");
    }
  }
  return plugins;
}

}  // namespace

absl::StatusOr<HostConfig> ParseHostConfig(std::string_view text, const std::string& folder) {
  const absl::StatusOr<value> root = Parse(text);
  if (!root.ok()) return root.status();
  if (!root->is_object()) {
    return absl::InvalidArgumentError("it is " + Shown(*root) + ", wanted is an object");
  }
  Complaints complaints;
  Reader reader("", root->get_object(), complaints);
  HostConfig config;
  config.threads = ReadThreads(reader);
  config.crash_file = ReadFileName(reader, "crash_file", folder);
  config.plugins = ReadPlugins(reader, folder);
  reader.AreUnknown();
  if (!complaints.empty()) return complaints.status("it is no configuration");
  return config;
}

absl::StatusOr<HostConfig> ReadHostConfig(const std::string& path) {
  const std::string who = "configuration \"" + path + "\": ";
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return absl::ErrnoToStatus(errno, who + "it cannot be read");
  absl::StatusOr<HostConfig> config =
      ParseHostConfig(text, std::filesystem::path(path).parent_path().string());
  if (config.ok()) return config;
  return absl::Status(config.status().code(), who + std::string(config.status().message()));
}

}  // namespace belfry::command
