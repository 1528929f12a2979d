// The folder in which the program keeps everything.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "signup/audit_file.h"
#include "signup/maildir.h"
#include "signup/sqlite_user_store.h"

namespace signup {

//   DIR/signup.db           users
//   DIR/mail/{tmp,new,cur}  their mails
//   DIR/audit.log           every event of every sign-up
//   DIR/welcome.txt         the welcome mail's text, unless another file is named
struct DataDirectory {
  std::unique_ptr<SqliteUserStore> users;
  Maildir mailbox;
  std::unique_ptr<AuditFile> audit;
  std::string welcome_template;

  // Opens all of it and makes what is missing, a text for the welcome mail included.
  // Errors: those of its parts, naming the path.
  static absl::StatusOr<DataDirectory> Open(const std::string& path, std::string welcome_template);
};

}  // namespace signup
