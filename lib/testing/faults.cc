#include "testing/faults.h"

#include <stdexcept>
#include <utility>

#include "belfry/check.h"
#include "belfry/listener_body.h"

namespace belfry::testing {

using Kind = Faults::Impl::Kind;

Faults::Faults() : impl_(std::make_unique<Impl>()) {}
Faults::~Faults() = default;

void Faults::Fail(std::string_view listener, unsigned nth, absl::Status status) {
  BELFRY_CHECK(!status.ok(), "a delivery cannot fail with an OK status");
  impl_->Add(listener, {.kind = Kind::kFail, .nth = nth, .status = std::move(status)});
}
void Faults::Throw(std::string_view listener, unsigned nth, std::string what) {
  impl_->Add(listener, {.kind = Kind::kThrow, .nth = nth, .what = std::move(what)});
}
void Faults::Delay(std::string_view listener, unsigned nth, Nanoseconds by) {
  impl_->Add(listener, {.kind = Kind::kDelay, .nth = nth, .by = by});
}
void Faults::Duplicate(std::string_view listener, unsigned nth) {
  impl_->Add(listener, {.kind = Kind::kDuplicate, .nth = nth});
}
void Faults::MayFail(std::string_view listener, unsigned nth, absl::Status status) {
  BELFRY_CHECK(!status.ok(), "a delivery cannot fail with an OK status");
  impl_->Add(listener, {.kind = Kind::kMayFail, .nth = nth, .status = std::move(status)});
}
void Faults::MayDuplicate(std::string_view listener, unsigned nth) {
  impl_->Add(listener, {.kind = Kind::kMayDuplicate, .nth = nth});
}

void Faults::Impl::Add(std::string_view listener, Fault fault) {
  listeners_[std::string(listener)].faults.push_back(std::move(fault));
}

namespace {

std::string_view CallFor(Kind kind) {
  switch (kind) {
    case Kind::kFail:
      return "Fail";
    case Kind::kThrow:
      return "Throw";
    case Kind::kDelay:
      return "Delay";
    case Kind::kDuplicate:
      return "Duplicate";
    case Kind::kMayFail:
      return "MayFail";
    case Kind::kMayDuplicate:
      return "MayDuplicate";
  }
  return "?";
}

}  // namespace

std::set<std::pair<std::string_view, std::string>> Faults::Impl::Names() const {
  std::set<std::pair<std::string_view, std::string>> names;
  for (const auto& [name, listener] : listeners_) {
    for (const Fault& fault : listener.faults) names.emplace(CallFor(fault.kind), name);
  }
  return names;
}

const Faults::Impl::Fault* Faults::Impl::Find(const Listener& listener, Kind kind, unsigned call) {
  for (const Fault& fault : listener.faults) {
    if (fault.kind == kind && (fault.nth == kEvery || fault.nth == call)) return &fault;
  }
  return nullptr;
}

Failure Faults::Impl::Call(std::string_view listener, DeliveryNext& next, Chooser& chooser,
                           const std::function<void(std::string)>& note) {
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return next();
  Listener& of = found->second;
  const unsigned call = ++of.calls;
  const auto say = [&](std::string_view what) {
    note("fault: call " + std::to_string(call) + " of " + std::string(listener) + " " +
         std::string(what));
  };
  if (const Fault* const fault = Find(of, Kind::kFail, call)) {
    say("fails");
    return FailureOf(fault->status);
  }
  if (const Fault* const fault = Find(of, Kind::kThrow, call)) {
    say("throws");
    throw std::runtime_error(fault->what);
  }
  const Fault* const possible = Find(of, Kind::kMayFail, call);
  if (possible != nullptr && chooser.ChooseFault()) {
    say("fails, which it may");
    return FailureOf(possible->status);
  }
  const bool twice = Find(of, Kind::kMayDuplicate, call) != nullptr && chooser.ChooseFault();
  if (twice || Find(of, Kind::kDuplicate, call) != nullptr) {
    say("comes twice");
    if (Failure failure = next()) return failure;
  }
  return next();
}

Nanoseconds Faults::Impl::HoldNext(std::string_view listener) const {
  const auto found = listeners_.find(listener);
  if (found == listeners_.end()) return {};
  const Fault* const fault = Find(found->second, Kind::kDelay, found->second.calls + 1);
  return fault == nullptr ? Nanoseconds::zero() : fault->by;
}

}  // namespace belfry::testing
