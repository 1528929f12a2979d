#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/plugin_file.h"
#include "belfry/plugin_note.h"
#include "plugin/border.h"
#include "plugin/complaints.h"

namespace belfry {
namespace {

constexpr std::size_t kComplaintsMax = 20;

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool IsWord(std::string_view word) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !word.empty() && word.size() <= kPluginNameMax &&
         word.find_first_not_of(kLetters) == std::string_view::npos;
}

bool ReadNumber(std::string_view word, std::uint32_t& number) {
  const char* const end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  return error == std::errc() && stopped == end;
}

bool IsKeyType(std::string_view word) {
  for (const char* type : {"text", "integer", "number", "boolean", "array", "object"}) {
    if (word == type) return true;
  }
  return false;
}

// Two words, of which the second one is a schema version.
bool ReadEvent(const std::vector<std::string_view>& words, std::vector<PluginNote::Event>& events) {
  PluginNote::Event event;
  if (words.size() != 3 || !ReadNumber(words[2], event.schema_version)) return false;
  if (event.schema_version == 0) return false;
  event.name = words[1];
  events.push_back(std::move(event));
  return true;
}

bool ReadKey(const std::vector<std::string_view>& words, std::vector<PluginNote::Key>& keys) {
  if (words.size() != 4 || !IsKeyType(words[2])) return false;
  if (words[3] != "required" && words[3] != "optional") return false;
  keys.push_back({std::string(words[1]), std::string(words[2]), words[3] == "required"});
  return true;
}

// One word, said once.
bool ReadOnce(const std::vector<std::string_view>& words, std::string& value) {
  if (words.size() != 2 || !value.empty()) return false;
  value = words[1];
  return true;
}

// No word, said once.
bool ReadFlag(const std::vector<std::string_view>& words, bool& flag) {
  if (words.size() != 1 || flag) return false;
  return flag = true;
}

// Whether the line makes sense. What a newer version of the border says beyond it is passed over.
bool ReadLine(std::string_view line, PluginNote& note) {
  const std::vector<std::string_view> words = Split(line, ' ');
  for (const std::string_view word : words) {
    if (!IsWord(word)) return false;
  }
  if (words[0] == "abi") {
    return words.size() == 3 && note.abi_major == 0 && ReadNumber(words[1], note.abi_major) &&
           ReadNumber(words[2], note.abi_minor);
  }
  if (words[0] == "id") return ReadOnce(words, note.id);
  if (words[0] == "version") return ReadOnce(words, note.version);
  if (words[0] == "listens") return ReadEvent(words, note.listens);
  if (words[0] == "listens_to_any") return ReadFlag(words, note.listens_to_any);
  if (words[0] == "publishes") return ReadEvent(words, note.publishes);
  if (words[0] == "key") return ReadKey(words, note.keys);
  return note.abi_minor > BELFRY_ABI_MINOR;
}

// As much of what a file says as can be shown.
std::string Shown(std::string_view line) {
  std::string text = "\"";
  for (const char c : line.substr(0, 80)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (line.size() > 80 ? "...\"" : "\"");
}

}  // namespace

absl::StatusOr<PluginNote> ReadPluginNote(std::string_view text) {
  PluginNote note;
  note.text = text;
  Complaints complaints;
  std::size_t wrong = 0;
  std::vector<std::string_view> lines = Split(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  for (std::size_t i = 0; i < lines.size() && wrong < kComplaintsMax; ++i) {
    if (ReadLine(lines[i], note)) continue;
    ++wrong;
    complaints.Add(absl::StatusCode::kInvalidArgument,
                   "line " + std::to_string(i + 1) + " cannot be read: " + Shown(lines[i]));
  }
  if (note.id.empty()) {
    complaints.Add(absl::StatusCode::kInvalidArgument,
                   "it does not say the plugin's id: add BELFRY_ID(\"...\")");
  }
  if (note.version.empty()) {
    complaints.Add(absl::StatusCode::kInvalidArgument,
                   "it does not say the plugin's version: add BELFRY_PLUGIN_VERSION(\"...\")");
  }
  if (note.abi_major != BELFRY_ABI_MAJOR) {
    complaints.Add(absl::StatusCode::kFailedPrecondition,
                   "it was built for version " + std::to_string(note.abi_major) + "." +
                       std::to_string(note.abi_minor) + " of belfry/plugin.h, this host has " +
                       BELFRY_SPELLED_(BELFRY_ABI_MAJOR) "." BELFRY_SPELLED_(BELFRY_ABI_MINOR) +
                       ": build it against this host's header");
  }
  if (!complaints.empty()) return complaints.status("the plugin's note");
  return note;
}

}  // namespace belfry
