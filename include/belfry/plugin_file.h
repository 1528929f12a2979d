// A plugin's file, read without running any of its code.
//
//   const absl::StatusOr<belfry::PluginFile> file = belfry::ReadPluginFile(path);
//   if (file.ok()) std::cout << file->note.id << ' ' << file->note.version << '\n';
//
// Link belfry::plugin.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "belfry/export.h"

namespace belfry {

// What a plugin says of itself, in the words of belfry/plugin_note.h.
struct PluginNote {
  struct Event {
    std::string name;
    std::uint32_t schema_version = 0;
  };
  struct Key {
    std::string name;
    std::string type;  // text, integer, number, boolean, array or object
    bool required = false;
  };

  std::string text;  // all of it
  std::uint32_t abi_major = 0;
  std::uint32_t abi_minor = 0;
  std::string id;
  std::string version;
  std::vector<Event> listens;
  bool listens_to_any = false;  // whatever the host makes known
  std::vector<Event> publishes;
  std::vector<Key> keys;
};

// What a plugin's file says and is.
struct PluginFile {
  PluginNote note;
  std::vector<std::string> libraries;  // that the system loads with it (DT_NEEDED)

  // The others stand in its section headers, which no loader needs: without them nobody knows.
  bool exports_plugin = false;  // the symbol that BELFRY_PLUGIN defines
  // Those that keep the system from ever unmapping the file (STB_GNU_UNIQUE). A plugin that is
  // compiled with -fno-gnu-unique has none.
  std::vector<std::string> unique_symbols;
  // Of thread_local objects: each thread that has made one keeps the file mapped until it ends.
  bool thread_local_destructors = false;
};

// Whose files are read.
struct PluginTrust {
  bool writable_by_others = false;  // also those that the group, or everybody, may write to
  bool owned_by_others = false;     // also those that belong neither to this user nor to root
};

// Thread safety: any thread. Blocking: reads the file.
// Errors, naming all that is wrong at once, with both values, and what to do; of the first kind:
//  * NOT_FOUND, PERMISSION_DENIED: the file cannot be opened, or is not trusted.
//  * INVALID_ARGUMENT: no ELF file, a truncated one, or one whose parts contradict each other; no
//    note, or one that cannot be read.
//  * FAILED_PRECONDITION: for another machine, or another major version of the border.
BELFRY_EXPORT absl::StatusOr<PluginFile> ReadPluginFile(const std::string& path,
                                                        PluginTrust trust = {});

// The same for a note's text.
// Errors: INVALID_ARGUMENT (names every line), FAILED_PRECONDITION (the border's version).
BELFRY_EXPORT absl::StatusOr<PluginNote> ReadPluginNote(std::string_view text);

}  // namespace belfry
