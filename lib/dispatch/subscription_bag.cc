#include "belfry/subscription_bag.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"

namespace belfry {

SubscriptionBag& SubscriptionBag::operator=(SubscriptionBag&& other) noexcept {
  SubscriptionBag old(std::move(*this));
  subscriptions_ = std::move(other.subscriptions_);
  refused_ = std::move(other.refused_);
  return *this;
}

SubscriptionBag::~SubscriptionBag() {
  while (!subscriptions_.empty()) static_cast<void>(TakeLatest());
}

// Out of the bag before it ends: what that destroys may use the bag.
Subscription SubscriptionBag::TakeLatest() {
  Subscription latest = std::move(subscriptions_.back());
  subscriptions_.pop_back();
  return latest;
}

SubscriptionBag& SubscriptionBag::operator+=(Subscription subscription) {
  if (subscription) {
    subscriptions_.push_back(std::move(subscription));
  } else if (status().ok()) {
    refused_ = std::move(subscription);
  }
  return *this;
}

ResetResult SubscriptionBag::Reset() {
  ResetResult worst = ResetResult::kDone;
  while (!subscriptions_.empty()) worst = std::max(worst, TakeLatest().Reset());
  return worst;
}

void SubscriptionBag::Detach() {
  while (!subscriptions_.empty()) TakeLatest().Detach();
}

absl::Status SubscriptionBag::status() const { return refused_.status(); }

}  // namespace belfry
