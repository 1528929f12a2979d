// An event that is to be published later.
#pragma once

#include <memory>
#include <utility>

#include "belfry/export.h"
#include "belfry/publish_result.h"

namespace belfry {

class ScheduledEvent;

//   belfry::Scheduled reminder = dispatcher.PublishAfter(std::chrono::hours(24), CartForgotten{7});
//   reminder.Cancel();  // the order came in time
//
// Copies are the same event. To let go of it changes nothing.
//
// Thread safety: any thread, and inside any listener.
// Lifetime: may outlive the dispatcher.
class BELFRY_EXPORT Scheduled {
 public:
  Scheduled() = default;  // nothing
  explicit Scheduled(PublishResult refused) : result_(refused) {}
  explicit Scheduled(std::shared_ptr<ScheduledEvent> event) : event_(std::move(event)) {}

  // Why nothing was scheduled: kClosed, kForked, kNoTimers, or kTooMuchBaggage; else kAccepted.
  PublishResult result() const { return result_; }
  // Whether it is still to come.
  bool pending() const;
  // Whether it was still to come, which it is not any more: the event is destroyed.
  bool Cancel() const;

 private:
  PublishResult result_;
  std::shared_ptr<ScheduledEvent> event_;
};

}  // namespace belfry
