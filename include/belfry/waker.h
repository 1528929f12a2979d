// Whom to tell that what was waited for is there.
//
// Users need nothing from this header.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "belfry/export.h"

namespace belfry {

// Who may be waiting, several times and for several things.
class WakeTarget {
 public:
  // `ticket`: a number of that wait alone. Nothing, if it is over.
  virtual void Wake(void* what, std::uint64_t ticket) = 0;

 protected:
  ~WakeTarget() = default;
};

// Says that one wait is over: whoever waited goes on, on a thread of its own choosing, never inside
// Wake. A default one: nothing.
//
// Thread safety: a value; Wake on any thread, under no lock. It may outlive the wait, and keeps the
// target's memory.
class Waker {
 public:
  Waker() = default;
  Waker(std::shared_ptr<WakeTarget> target, void* what, std::uint64_t ticket)
      : target_(std::move(target)), what_(what), ticket_(ticket) {}

  void Wake() const {
    if (target_ != nullptr) target_->Wake(what_, ticket_);
  }

 private:
  std::shared_ptr<WakeTarget> target_;
  void* what_ = nullptr;
  std::uint64_t ticket_ = 0;
};

}  // namespace belfry
