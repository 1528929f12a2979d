#include "signup/data_directory.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/status/status.h"

namespace signup {
namespace {

constexpr char kWelcome[] =
    "Hello {{name}},\n"
    "\n"
    "you signed up as {{email}}. Somewhere above you a bell has just rung,\n"
    "and everyone who listens has heard it.\n"
    "\n"
    "Your number is {{id}}.\n";

absl::StatusOr<std::string> DefaultTemplate(const std::string& directory) {
  std::string path = directory + "/welcome.txt";
  if (std::filesystem::exists(path)) return path;
  std::ofstream file(path);
  file << kWelcome;
  file.close();
  if (!file) return absl::ErrnoToStatus(errno, path);
  return path;
}

}  // namespace

absl::StatusOr<DataDirectory> DataDirectory::Open(const std::string& path,
                                                  std::string welcome_template) {
  absl::StatusOr<Maildir> mailbox = Maildir::Open(path + "/mail");
  if (!mailbox.ok()) return mailbox.status();
  auto users = SqliteUserStore::Open(path + "/signup.db", {});
  if (!users.ok()) return users.status();
  auto audit = AuditFile::Open(path + "/audit.log");
  if (!audit.ok()) return audit.status();
  if (welcome_template.empty()) {
    absl::StatusOr<std::string> made = DefaultTemplate(path);
    if (!made.ok()) return made.status();
    welcome_template = *std::move(made);
  }
  return DataDirectory{*std::move(users), *std::move(mailbox), *std::move(audit),
                       std::move(welcome_template)};
}

}  // namespace signup
