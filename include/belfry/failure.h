// How a delivery ended.
//
// Users need nothing from this header, but for interceptors.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace belfry {

// False when it went well.
class [[nodiscard]] Failure {
 public:
  Failure() = default;
  static Failure Because(std::string what, bool permanent = false) {
    Failure failure;
    failure.reason_ = std::make_unique<Reason>(Reason{std::move(what), permanent});
    return failure;
  }
  // The listener was not called, since it does not want this event. `why`: a literal.
  static Failure Unwanted(const char* why) {
    Failure failure;
    failure.unwanted_ = why;
    return failure;
  }

  explicit operator bool() const { return unwanted() || reason_ != nullptr; }
  bool unwanted() const { return unwanted_ != nullptr; }
  // Whether to try again is in vain; see Retry.
  bool permanent() const { return reason_ != nullptr && reason_->permanent; }
  std::string_view what() const {
    if (unwanted()) return unwanted_;
    return reason_ == nullptr ? std::string_view() : reason_->what;
  }

 private:
  struct Reason {
    std::string what;
    bool permanent;
  };

  std::unique_ptr<const Reason> reason_;
  const char* unwanted_ = nullptr;
};

}  // namespace belfry
