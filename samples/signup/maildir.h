// A mailbox on disk.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "signup/mailbox.h"

namespace signup {

// Thread safety: any thread.
class Maildir final : public Mailbox {
 public:
  // Makes what is missing of `root`/{tmp,new,cur} and removes what an earlier process left in tmp/.
  // Errors: as the system says, naming the path.
  static absl::StatusOr<Maildir> Open(std::string root);

  std::string TmpPath(const std::string& mail) const override { return root_ + "/tmp/" + mail; }
  std::string NewPath(const std::string& mail) const override { return root_ + "/new/" + mail; }
  absl::StatusOr<bool> Has(const std::string& mail) const override;

 private:
  explicit Maildir(std::string root) : root_(std::move(root)) {}

  std::string root_;
};

}  // namespace signup
