#include "dispatch/outcomes.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "dispatch/listener.h"

namespace belfry {

Outcomes::~Outcomes() {
  Node* node = latest_.load(std::memory_order_acquire);
  while (node != nullptr) delete std::exchange(node, node->next);
}

namespace {

// For the observer, who is told nothing where there is no memory for the name.
template <class Tell>
void TellOf(const Listener& listener, Tell tell) try {
  tell(Observer::Who{listener.id(), listener.name()});
} catch (const std::bad_alloc&) {
  tell(Observer::Who{listener.id(), {}});
}

}  // namespace

void Outcomes::Begin(const Listener& listener) noexcept {
  if (observer_ == nullptr) return;
  TellOf(listener, [&](const Observer::Who& who) { observer_->DeliveryBegun(*envelope_, who); });
}

void Outcomes::Fail(const Listener& listener, std::string_view what, bool final) noexcept {
  if (final) return Record(listener, DeliveryOutcome::Kind::kFailed, what);
  if (observer_ == nullptr) return;
  TellOf(listener,
         [&](const Observer::Who& who) { observer_->AttemptFailed(*envelope_, who, what); });
}

void Outcomes::Record(const Listener& listener, DeliveryOutcome::Kind kind,
                      std::string_view what) noexcept try {
  if (observer_ != nullptr && kind != DeliveryOutcome::Kind::kRefused) {
    TellOf(listener, [&](const Observer::Who& who) {
      observer_->DeliveryEnded(*envelope_, who, kind, what);
    });
  }
  if (tracker_ != nullptr && kind != DeliveryOutcome::Kind::kRefused) {
    tracker_->DeliveryEnded(listener, kind, what);
  }
  if (!told_.has_value()) return;
  Node* const node =
      new Node{{listener.id(), std::string(listener.name()), kind, std::string(what)},
               latest_.load(std::memory_order_relaxed)};
  while (!latest_.compare_exchange_weak(node->next, node, std::memory_order_release)) {
  }
} catch (const std::bad_alloc&) {
  unrecorded_.fetch_add(1, std::memory_order_relaxed);
}

void Outcomes::Finish(PublishResult result) noexcept {
  if (tracker_ != nullptr) tracker_->PublishEnded(result);
  if (!told_.has_value()) return;
  PublishOutcome outcome{result, {}, unrecorded_.load(std::memory_order_relaxed)};
  try {
    for (Node* node = latest_.load(std::memory_order_acquire); node != nullptr; node = node->next) {
      outcome.deliveries.push_back(std::move(node->outcome));
    }
    std::reverse(outcome.deliveries.begin(), outcome.deliveries.end());
  } catch (const std::bad_alloc&) {
    for (Node* node = latest_.load(std::memory_order_acquire); node != nullptr; node = node->next) {
      ++outcome.unrecorded;
    }
    outcome.deliveries.clear();
  }
  told_->Finish(std::move(outcome));
}

}  // namespace belfry
