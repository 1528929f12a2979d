#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"

#include "belfry/plugin.h"
#include "belfry/plugin_file.h"
#include "command/commands.h"

namespace belfry::command {
namespace {

void Print(std::string_view what, const std::string& value) {
  std::cout << std::left << std::setw(12) << what << value << '\n';
}

void PrintEvents(std::string_view what, const std::vector<PluginNote::Event>& events) {
  for (const PluginNote::Event& event : events) {
    Print(what, event.name + " " + std::to_string(event.schema_version));
  }
}

// What keeps the system from unmapping it.
std::string Unloading(const PluginFile& file) {
  std::vector<std::string> reasons;
  if (!file.unique_symbols.empty()) {
    reasons.push_back("it has unique symbols, compile it with -fno-gnu-unique: " +
                      absl::StrJoin(file.unique_symbols, ", "));
  }
  if (file.thread_local_destructors) {
    reasons.push_back(
        "it has thread_local objects with destructors, for each of which it stays mapped until "
        "the thread ends");
  }
  return reasons.empty() ? "yes" : "no: " + absl::StrJoin(reasons, "; ");
}

void PrintFile(const PluginFile& file) {
  Print("plugin", file.note.id + " " + file.note.version);
  Print("built for", "belfry/plugin.h " + std::to_string(file.note.abi_major) + "." +
                         std::to_string(file.note.abi_minor) + ", this host has " +
                         BELFRY_SPELLED_(BELFRY_ABI_MAJOR) "." BELFRY_SPELLED_(BELFRY_ABI_MINOR));
  PrintEvents("listens to", file.note.listens);
  if (file.note.listens_to_any) Print("listens to", "any event that the host makes known");
  PrintEvents("publishes", file.note.publishes);
  for (const PluginNote::Key& key : file.note.keys) {
    Print(key.required ? "requires" : "allows", "key " + key.name + ", " + key.type);
  }
  Print("exports", file.exports_plugin ? BELFRY_SPELLED_(BELFRY_PLUGIN_SYMBOL) : "nothing");
  Print("needs", file.libraries.empty() ? "no library" : absl::StrJoin(file.libraries, ", "));
  Print("unloads", Unloading(file));
}

}  // namespace

absl::Status CheckPlugin(const std::string& file) {
  // What a file says is shown even if it is not trusted: nothing of it runs.
  const absl::StatusOr<PluginFile> read =
      ReadPluginFile(file, {.writable_by_others = true, .owned_by_others = true});
  if (read.ok()) PrintFile(*read);
  absl::Status trusted = ReadPluginFile(file).status();
  if (read.ok()) Print("trusted", trusted.ok() ? "yes" : "no");
  if (!read.ok() || read->exports_plugin) return trusted;
  const std::string missing =
      "it exports no symbol " BELFRY_SPELLED_(BELFRY_PLUGIN_SYMBOL)
      ", as far as its section headers show: define it with BELFRY_PLUGIN, and do not hide it";
  if (trusted.ok()) return absl::FailedPreconditionError("plugin \"" + file + "\": " + missing);
  return absl::Status(trusted.code(), std::string(trusted.message()) + "; " + missing);
}

}  // namespace belfry::command
