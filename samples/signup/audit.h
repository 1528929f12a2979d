// One line for every event of a sign-up: who caused whom, and who listens.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "belfry/context.h"

namespace signup {

// Takes one line, its end included. May be called on any thread, on several at once.
using AuditSink = std::function<absl::Status(std::string_view line)>;

// The audit log's listener for every type of event. A line is a JSON object:
//
//   {"time":"2024-05-01T12:00:00.123456Z","event":"signup.user_stored","id":"4f1c-7",
//    "correlation":"4f1c-2","causation":"4f1c-4","links":[],"listeners":["welcome.render","audit"]}
//
// Ids only, nothing about the user. Lines of different events may be written in any order.
//
// Thread safety: any thread. Errors: the sink's; the sign-up goes on.
class Audit {
 public:
  explicit Audit(AuditSink sink) : sink_(std::move(sink)) {}

  absl::Status Write(belfry::Context& context) const;

 private:
  AuditSink sink_;
};

}  // namespace signup
