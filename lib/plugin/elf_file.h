// An ELF file that may lie: what a loader would believe is checked before one sees it.
#pragma once

#include <link.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace belfry {

// Thread safety: a value. Lifetime: the descriptor is the caller's, and outlives it.
class ElfFile {
 public:
  // Reads the headers of a shared object for this machine.
  // Errors: see ReadPluginFile.
  static absl::StatusOr<ElfFile> Open(int fd);

  // The text of the first note with that name and type. Errors: NOT_FOUND.
  absl::StatusOr<std::string> Note(std::string_view name, std::uint32_t type) const;
  // The libraries that it needs, as it names them.
  std::vector<std::string> Libraries() const;
  // Calls `visit` with each dynamic symbol; with none where its section headers are missing or lie.
  struct Symbol {
    std::string_view name;
    bool defined = false;
    bool unique = false;  // STB_GNU_UNIQUE
  };
  void VisitSymbols(const std::function<void(const Symbol&)>& visit) const;

 private:
  ElfFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  absl::Status ReadHeader();
  absl::Status ReadSegments();
  std::vector<ElfW(Dyn)> ReadDynamic() const;
  // Of `size` bytes; "" where the file does not have them.
  std::string ReadText(std::uint64_t offset, std::uint64_t size) const;
  std::optional<std::uint64_t> OffsetOf(std::uint64_t address) const;
  // Whether the file has these bytes, which then are in `to`.
  bool Read(std::uint64_t offset, void* to, std::size_t size) const;
  bool Has(std::uint64_t offset, std::uint64_t size) const {
    return size <= size_ && offset <= size_ - size;
  }

  int fd_;
  std::uint64_t size_;
  ElfW(Ehdr) header_{};
  std::vector<ElfW(Phdr)> segments_;
};

}  // namespace belfry
