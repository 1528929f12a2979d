// The faults of a world, as its listeners meet them.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/interceptor.h"
#include "belfry/testing/faults.h"
#include "testing/chooser.h"

namespace belfry::testing {

class Faults::Impl {
 public:
  enum class Kind { kFail, kThrow, kDelay, kDuplicate, kMayFail, kMayDuplicate };
  struct Fault {
    Kind kind;
    unsigned nth;
    absl::Status status{};
    std::string what{};
    Nanoseconds by{};
  };
  struct Listener {
    std::vector<Fault> faults;
    unsigned calls = 0;
  };

  bool empty() const { return listeners_.empty(); }
  // Every name that was given, with the call that it was given to: {"Fail", "mail.welcome"}.
  std::set<std::pair<std::string_view, std::string>> Names() const;
  void Add(std::string_view listener, Fault fault);
  // A delivery has come to the listener's callable.
  Failure Call(std::string_view listener, DeliveryNext& next, Chooser& chooser,
               const std::function<void(std::string)>& note);
  // For how long the next one is held.
  Nanoseconds HoldNext(std::string_view listener) const;

 private:
  // Of that call, of that kind.
  static const Fault* Find(const Listener& listener, Kind kind, unsigned call);

  std::map<std::string, Listener, std::less<>> listeners_;
};

}  // namespace belfry::testing
