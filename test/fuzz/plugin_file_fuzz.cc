// A plugin's file with some of its bytes changed, read as a host reads it before it loads anything;
// and its note, which may be any text.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "belfry/plugin_file.h"

namespace {

std::string ReadModule() {
  std::ifstream file(MODULE_HELLO_C, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Each three bytes are a place and what is to be there.
std::string Change(std::string module, std::string_view changes) {
  for (; changes.size() >= 3; changes.remove_prefix(3)) {
    const auto byte = [&](std::size_t i) -> std::size_t {
      return static_cast<unsigned char>(changes[i]);
    };
    module[(byte(0) * 256 + byte(1)) % module.size()] = changes[2];
  }
  return module;
}

void ReadFile(const std::string& bytes) {
  const int fd = ::memfd_create("plugin", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) < 0) std::abort();
  const absl::StatusOr<belfry::PluginFile> file = belfry::ReadPluginFile(
      "/proc/self/fd/" + std::to_string(fd), {.writable_by_others = true, .owned_by_others = true});
  ::close(fd);
  if (!file.ok() && file.status().message().empty()) __builtin_trap();  // refused without a reason
}

void ReadNote(std::string_view text) {
  const absl::StatusOr<belfry::PluginNote> note = belfry::ReadPluginNote(text);
  const bool complete = note.ok() && !note->id.empty() && !note->version.empty();
  if (!complete && note.status().message().empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string module = ReadModule();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadNote(bytes);
  ReadFile(Change(module, bytes));
  return 0;
}
