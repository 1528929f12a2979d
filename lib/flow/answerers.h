// Who answers which queries of a dispatcher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "belfry/event_type.h"
#include "belfry/flow/answer_body.h"
#include "belfry/publish_result.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

class Answerers;

// One of them, from before its subscription until its callable is destroyed.
//
// Thread safety: any thread.
class Answerer {
 public:
  Answerer(const std::shared_ptr<Answerers>& all, EventType of, AnswererKind a_kind,
           std::string its_name)
      : answerers(all), query(of), kind(a_kind), name(std::move(its_name)) {}

  const std::weak_ptr<Answerers> answerers;
  const EventType query;
  const AnswererKind kind;
  const std::string name;

  ListenerId listener() const { return listener_.load(std::memory_order_acquire); }
  void SetListener(ListenerId listener) { listener_.store(listener, std::memory_order_release); }

  // What it will answer later, and has.
  void Promise(const std::shared_ptr<Asking>& asking);
  void Keep(const Asking& asking);
  // It goes: whom it has promised an answer.
  std::vector<std::shared_ptr<Asking>> Leave();

  // Publishes AnswerLate.
  void TellLate(Asking& asking);

 private:
  sync::Atomic<ListenerId> listener_{0};  // 0: not subscribed yet
  RateLimit late_told_;
  sync::Mutex mutex_;
  std::unordered_map<const Asking*, std::shared_ptr<Asking>> promised_ ABSL_GUARDED_BY(mutex_);
};

// All of one dispatcher: an annex of its core.
//
// Thread safety: any thread.
class Answerers {
 public:
  // "", or why it cannot be added.
  std::string Add(const std::shared_ptr<Answerer>& added);
  void Remove(const Answerer& removed);
  std::vector<std::shared_ptr<Answerer>> Of(EventType query) const;
  bool Any(EventType query) const;
  bool Answers(EventType query, ListenerId listener) const;

 private:
  const std::vector<std::shared_ptr<Answerer>>* Find(EventType query) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable sync::Mutex mutex_;
  std::unordered_map<std::uint32_t, std::vector<std::shared_ptr<Answerer>>> by_type_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
