#include "signup/maildir.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"

namespace signup {
namespace {

namespace fs = std::filesystem;

absl::Status Failed(const fs::path& path, const std::error_code& error) {
  return absl::ErrnoToStatus(error.value(), path.string());
}

absl::Status RemoveFilesIn(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    fs::remove(file->path(), error);
    if (error) return Failed(file->path(), error);
  }
  return error ? Failed(folder, error) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<Maildir> Maildir::Open(std::string root) {
  for (const char* folder : {"tmp", "new", "cur"}) {
    const fs::path path = fs::path(root) / folder;
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return Failed(path, error);
  }
  absl::Status emptied = RemoveFilesIn(fs::path(root) / "tmp");
  if (!emptied.ok()) return emptied;
  return Maildir(std::move(root));
}

absl::StatusOr<bool> Maildir::Has(const std::string& mail) const {
  // Mails move from new/ to cur/ and never back, so this order misses none.
  std::error_code error;
  if (fs::exists(NewPath(mail), error)) return true;
  if (error) return Failed(NewPath(mail), error);

  const fs::path cur = fs::path(root_) / "cur";
  for (fs::directory_iterator file(cur, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    const std::string name = file->path().filename().string();
    if (name.substr(0, name.find(':')) == mail) return true;  // "mail:2,S": read
  }
  if (error) return Failed(cur, error);
  return false;
}

}  // namespace signup
