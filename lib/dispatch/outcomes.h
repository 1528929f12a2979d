// What became of the deliveries of one event, for a publisher who wants to know.
#pragma once

#include <cstdint>
#include <string_view>

#include "belfry/completion.h"
#include "belfry/publish_outcome.h"
#include "sync/sync.h"

namespace belfry {

class Listener;

// Collects them. Takes no lock, since several deliveries may end at once.
//
// Thread safety: Record any thread; Finish once, when all have been recorded.
class Outcomes {
 public:
  explicit Outcomes(Completion<PublishOutcome> told) : told_(std::move(told)) {}
  ~Outcomes();
  Outcomes(const Outcomes&) = delete;
  Outcomes& operator=(const Outcomes&) = delete;

  void Record(const Listener& listener, DeliveryOutcome::Kind kind,
              std::string_view what = {}) noexcept;
  // Under no lock: tells whoever waits.
  void Finish(PublishResult result) noexcept;

 private:
  struct Node {
    DeliveryOutcome outcome;
    Node* next;
  };

  const Completion<PublishOutcome> told_;
  sync::Atomic<Node*> latest_{nullptr};
  sync::Atomic<std::uint64_t> unrecorded_{0};
};

}  // namespace belfry
