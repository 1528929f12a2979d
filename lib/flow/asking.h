// A query on its way, from its publish until its reply.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "belfry/ambient_context.h"
#include "belfry/event_id.h"
#include "belfry/flow/ask.h"
#include "belfry/flow/gather.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/publish_tracker.h"
#include "flow/time_limit.h"
#include "sync/sync.h"

namespace belfry {

class Answerers;

// Collects a reply of each answerer: of the one that an Ask wants, or of all. The first reply of
// each counts.
//
// Thread safety: any thread. What is told, is told under no lock.
class Asking final : public PublishTracker, public std::enable_shared_from_this<Asking> {
 public:
  enum class Wants { kOne, kAll };

  Asking(std::shared_ptr<DispatcherCore> core, EventType query, Wants wants, RepliesTold told);

  // Throws std::bad_alloc and what the event's move throws, with nothing published and told.
  void Publish(EventHandle query, AskOptions options);

  DispatcherCore& core() const { return *core_; }
  EventType query() const { return query_; }
  EventId id() const { return id_; }
  AmbientContext effects();  // what is done because of the reply is part of

  // --- An answerer's ---
  // It has been given the query. False when the asker waits no more.
  bool Begin(ListenerId listener, std::string_view name);
  // An attempt has failed with that; its delivery ends, or is tried again.
  void AttemptFailed(ListenerId listener, const absl::Status& status);
  // False when it was over with that answerer before.
  bool Reply(ListenerId listener, AnyReply reply);

  // --- PublishTracker ---
  void DeliveryEnded(const Listener& listener, DeliveryOutcome::Kind how,
                     std::string_view what) noexcept override;
  void PublishEnded(PublishResult result) noexcept override;

 private:
  // One answerer.
  struct Place {
    ListenerId listener = 0;
    std::string name{};
    bool begun = false;
    absl::Status failure{};  // of its last attempt
    std::optional<AnyReply> reply{};
  };
  using StopCallback = std::stop_callback<std::function<void()>>;

  void SetEffects(AmbientContext effects);
  bool Expect();
  void Published();
  void LimitTime(Nanoseconds within);
  void GiveUp(ReplyCode code, const absl::Status& why);

  Place* Find(ListenerId listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Place& FindOrAdd(ListenerId listener, std::string_view name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddNobody() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReplyMissing(ReplyCode code, const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Complete() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Tells, if it is complete and nobody else does.
  void TellIfComplete();

  const std::shared_ptr<DispatcherCore> core_;
  const EventType query_;
  const Wants wants_;
  const AmbientContext asker_;
  // --- Of its Publish, before anybody else knows it ---
  std::shared_ptr<const Answerers> answerers_;
  EventId id_{};

  TimeLimit limit_;

  sync::Mutex mutex_;
  RepliesTold told_ ABSL_GUARDED_BY(mutex_);  // null: it has been told
  std::vector<Place> places_ ABSL_GUARDED_BY(mutex_);
  AmbientContext effects_ ABSL_GUARDED_BY(mutex_);  // the asker's, where there is no query
  PublishResult result_ ABSL_GUARDED_BY(mutex_);
  bool published_ ABSL_GUARDED_BY(mutex_) = false;  // all places are known that had to be begun
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;

  std::optional<StopCallback> stop_;  // last: its call uses the rest
};

}  // namespace belfry
