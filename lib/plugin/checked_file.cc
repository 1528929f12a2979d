#include "plugin/checked_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"

#include "belfry/plugin.h"
#include "belfry/plugin_note.h"
#include "plugin/complaints.h"
#include "plugin/elf_file.h"

namespace belfry {
namespace {

constexpr std::size_t kUniqueSymbolsMax = 20;  // that are named

absl::Status Of(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), "plugin \"" + path + "\": " + std::string(status.message()));
}

absl::Status CheckTrust(const struct stat& status, PluginTrust trust) {
  Complaints complaints;
  if (!trust.writable_by_others && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    complaints.Add(absl::StatusCode::kPermissionDenied,
                   "others than its owner may write to it: chmod go-w, or allow "
                   "PluginTrust::writable_by_others");
  }
  if (!trust.owned_by_others && status.st_uid != ::geteuid() && status.st_uid != 0) {
    complaints.Add(absl::StatusCode::kPermissionDenied,
                   "it belongs to user " + std::to_string(status.st_uid) + ", this process to " +
                       std::to_string(::geteuid()) +
                       ": chown it to this user or root, or allow PluginTrust::owned_by_others");
  }
  return complaints.status("it is not trusted");
}

void AddSymbol(const ElfFile::Symbol& symbol, PluginFile& contents) {
  if (!symbol.defined) {
    if (symbol.name == "__cxa_thread_atexit") contents.thread_local_destructors = true;
    return;
  }
  if (symbol.name == BELFRY_SPELLED_(BELFRY_PLUGIN_SYMBOL)) contents.exports_plugin = true;
  if (symbol.unique && contents.unique_symbols.size() < kUniqueSymbolsMax) {
    contents.unique_symbols.emplace_back(symbol.name);
  }
}

}  // namespace

absl::StatusOr<CheckedFile> CheckedFile::Open(const std::string& path, PluginTrust trust) {
  CheckedFile file;
  // O_NONBLOCK: to open a pipe would wait for its writer.
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd_ < 0) return Of(path, absl::ErrnoToStatus(errno, "it cannot be opened"));
  if (absl::Status sound = file.Check(trust); !sound.ok()) return Of(path, sound);
  return file;
}

CheckedFile::~CheckedFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status CheckedFile::Check(PluginTrust trust) {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return absl::ErrnoToStatus(errno, "it cannot be looked at");
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError("it is no regular file");
  absl::Status trusted = CheckTrust(status, trust);
  absl::Status read = ReadContents();
  if (trusted.ok()) return read;
  if (read.ok()) return trusted;
  return absl::Status(trusted.code(),
                      std::string(trusted.message()) + "; " + std::string(read.message()));
}

absl::Status CheckedFile::ReadContents() {
  const absl::StatusOr<ElfFile> elf = ElfFile::Open(fd_);
  if (!elf.ok()) return elf.status();
  const absl::StatusOr<std::string> text = elf->Note(BELFRY_NOTE_NAME, BELFRY_NOTE_TYPE);
  if (!text.ok()) {
    return absl::InvalidArgumentError(std::string(text.status().message()) +
                                      ": it is no plugin, or lacks BELFRY_PLUGIN");
  }
  absl::StatusOr<PluginNote> note = ReadPluginNote(*text);
  if (!note.ok()) return note.status();
  contents_.note = *std::move(note);
  contents_.libraries = elf->Libraries();
  elf->VisitSymbols([this](const ElfFile::Symbol& symbol) { AddSymbol(symbol, contents_); });
  return absl::OkStatus();
}

absl::StatusOr<PluginFile> ReadPluginFile(const std::string& path, PluginTrust trust) {
  absl::StatusOr<CheckedFile> file = CheckedFile::Open(path, trust);
  if (!file.ok()) return file.status();
  return file->contents();
}

}  // namespace belfry
