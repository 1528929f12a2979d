#include "belfry/flow/reply.h"

#include "absl/status/status.h"

namespace belfry {

AnyReply::AnyReply(ReplyCode code, const absl::Status& why)
    : code_(code), why_(std::make_shared<const absl::Status>(why)) {
  BELFRY_CHECK(code != ReplyCode::kAnswered && !why.ok(), "a reply without an answer says why");
}

AnyReply AnyReply::Answered(std::shared_ptr<const void> value) {
  AnyReply reply;
  reply.value_ = std::move(value);
  return reply;
}

absl::Status AnyReply::status() const { return ok() ? absl::OkStatus() : *why_; }

}  // namespace belfry
