// Where mails lie, as the flow sees it.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace signup {

// A Maildir: a mail is written to tmp/, renamed into new/ when it is complete, and moved on to cur/
// by whoever reads it.
//
// Thread safety: any thread.
class Mailbox {
 public:
  virtual ~Mailbox() = default;

  virtual std::string TmpPath(const std::string& mail) const = 0;
  virtual std::string NewPath(const std::string& mail) const = 0;

  // Whether a mail of that name lies in new/ or cur/. Blocking: reads directories.
  // Errors: as the system says, naming the path.
  virtual absl::StatusOr<bool> Has(const std::string& mail) const = 0;
};

}  // namespace signup
