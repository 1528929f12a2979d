// What became of the deliveries of one event, for a publisher who wants to know.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "belfry/completion.h"
#include "belfry/observer.h"
#include "belfry/publish_outcome.h"
#include "dispatch/publish_tracker.h"
#include "sync/sync.h"

namespace belfry {

class Listener;

// Collects them for the publisher, if he wants to know, and passes them on to who follows the
// publish, and to the dispatcher's observer, if there is one. Takes no lock, since several
// deliveries may end at once.
//
// Thread safety: any thread; Observe before the first delivery; Finish once, when all have been
// recorded.
class Outcomes {
 public:
  Outcomes() = default;
  explicit Outcomes(Completion<PublishOutcome> told) : told_(std::move(told)) {}
  explicit Outcomes(std::shared_ptr<PublishTracker> tracker) : tracker_(std::move(tracker)) {}
  ~Outcomes();
  Outcomes(const Outcomes&) = delete;
  Outcomes& operator=(const Outcomes&) = delete;

  // What happens to the event of that envelope, which lives for as long as that goes on.
  void Observe(Observer& observer, const Envelope& envelope) {
    observer_ = &observer;
    envelope_ = &envelope;
  }

  void Begin(const Listener& listener) noexcept;  // an attempt at a delivery
  void Fail(const Listener& listener, std::string_view what, bool final) noexcept;
  void Record(const Listener& listener, DeliveryOutcome::Kind kind,
              std::string_view what = {}) noexcept;
  // Under no lock: tells whoever waits.
  void Finish(PublishResult result) noexcept;

  const std::shared_ptr<PublishTracker>& tracker() const { return tracker_; }  // may be null

 private:
  struct Node {
    DeliveryOutcome outcome;
    Node* next;
  };

  const std::optional<Completion<PublishOutcome>> told_;
  const std::shared_ptr<PublishTracker> tracker_;
  Observer* observer_ = nullptr;
  const Envelope* envelope_ = nullptr;
  sync::Atomic<Node*> latest_{nullptr};
  sync::Atomic<std::uint64_t> unrecorded_{0};
};

}  // namespace belfry
