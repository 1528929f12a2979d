// How many sign-ups went how.
#pragma once

#include <atomic>
#include <cstdint>

#include "signup/events.h"

namespace signup {

// Thread safety: any thread; so its listeners may run inline, inside the publish: whoever was told
// that a sign-up has ended finds it counted.
class Counters {
 public:
  void Count(const UserSignedUp&) { ++sign_ups_; }
  void Count(const SignUpFailed& failed) { ++Of(failed.kind); }

  std::uint64_t sign_ups() const { return sign_ups_; }
  std::uint64_t invalid() const { return invalid_; }
  std::uint64_t duplicate() const { return duplicate_; }
  std::uint64_t unavailable() const { return unavailable_; }

 private:
  std::atomic<std::uint64_t>& Of(SignUpFailed::Kind kind) {
    switch (kind) {
      case SignUpFailed::Kind::kInvalid:
        return invalid_;
      case SignUpFailed::Kind::kDuplicate:
        return duplicate_;
      case SignUpFailed::Kind::kUnavailable:
        break;
    }
    return unavailable_;
  }

  std::atomic<std::uint64_t> sign_ups_{0};
  std::atomic<std::uint64_t> invalid_{0};
  std::atomic<std::uint64_t> duplicate_{0};
  std::atomic<std::uint64_t> unavailable_{0};
};

}  // namespace signup
