// All that is wrong with something, as one status.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"

namespace belfry {

// Thread safety: a value.
class Complaints {
 public:
  // The first one says of which kind the status is.
  void Add(absl::StatusCode code, const std::string& what) {
    if (text_.empty()) code_ = code;
    text_ += (text_.empty() ? "" : "; ") + what;
  }

  bool empty() const { return text_.empty(); }
  absl::Status status(const std::string& of_what) const {
    if (empty()) return absl::OkStatus();
    return absl::Status(code_, of_what + ": " + text_);
  }

 private:
  absl::StatusCode code_ = absl::StatusCode::kOk;
  std::string text_;
};

}  // namespace belfry
