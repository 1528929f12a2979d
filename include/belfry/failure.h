// How a delivery ended.
//
// Users need nothing from this header, but for interceptors.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace belfry {

// False when it went well.
class [[nodiscard]] Failure {
 public:
  Failure() = default;
  static Failure Because(std::string what, bool permanent = false) {
    Failure failure;
    failure.what_ = std::make_unique<std::string>(std::move(what));
    failure.permanent_ = permanent;
    return failure;
  }
  // The listener was not called, since it does not want this event.
  static Failure Unwanted() {
    Failure failure;
    failure.unwanted_ = true;
    return failure;
  }

  explicit operator bool() const { return unwanted_ || what_ != nullptr; }
  bool unwanted() const { return unwanted_; }
  // Whether to try again is in vain; see Retry.
  bool permanent() const { return permanent_; }
  // Of one that is not unwanted.
  const std::string& what() const { return *what_; }

 private:
  std::unique_ptr<std::string> what_;
  bool unwanted_ = false;
  bool permanent_ = false;
};

}  // namespace belfry
