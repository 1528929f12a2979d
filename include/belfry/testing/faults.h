// What goes wrong in a test's world, by name.
//
//   world.faults().Fail("signup.store", 2, absl::UnavailableError("the store is locked"));
//   world.faults().Delay("mail.welcome", 1, std::chrono::seconds(40));
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/export.h"

namespace belfry::testing {

// `nth` counts the calls of all listeners of that name from 1 on, attempts that are made again
// included; kEvery is every call.
//
// Thread safety: the world's thread. Errors: at the end of its world the test fails on a name that
// no listener has had, see Tolerated::names.
class BELFRY_EXPORT Faults {
 public:
  static constexpr unsigned kEvery = 0;

  Faults();
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // The listener is not called: it has failed like this.
  void Fail(std::string_view listener, unsigned nth, absl::Status status);
  // The same by an exception, a std::runtime_error.
  void Throw(std::string_view listener, unsigned nth, std::string what);
  // It is called so much later.
  void Delay(std::string_view listener, unsigned nth, Nanoseconds by);
  // It is called twice with the same event, as by a queue that delivers at least once.
  void Duplicate(std::string_view listener, unsigned nth);
  // With Explore these may happen, or not, and both are tried; else they do not.
  void MayFail(std::string_view listener, unsigned nth, absl::Status status);
  void MayDuplicate(std::string_view listener, unsigned nth);

  class Impl;
  Impl& impl() { return *impl_; }
  const Impl& impl() const { return *impl_; }

 private:
  const std::unique_ptr<Impl> impl_;
};

}  // namespace belfry::testing
