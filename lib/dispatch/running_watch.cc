#include "dispatch/running_watch.h"

#include <algorithm>
#include <new>

#include "dispatch/thread_record.h"
#include "dispatch/topic_directory.h"

namespace belfry {

RunningWatch::RunningWatch(const DispatcherCore& core, const TopicDirectory& topics)
    : topics_(topics) {
  try {
    Look(core);
  } catch (const std::bad_alloc&) {
    running_.clear();
  }
  since_ = Clock::Real().Now();
}

void RunningWatch::Look(const DispatcherCore& core) {
  Frame::ForEach([&](const Frame& frame) {
    if (frame.inside() != nullptr && frame.core() == &core)
      running_.push_back(RunningCall::Of(frame, topics_));
  });
  topics_.ForEach([&](Topic& topic) {
    ListenerId last = 0;
    while (const auto listener = topic.NextAfter(last)) {
      last = listener->id();
      if (listener->running()) turns_.push_back({last, listener->started()});
    }
  });
}

// How long the listener's delivery in `frame` has been running for certain.
Nanoseconds RunningWatch::RunningFor(const ListedListener& listener, const Frame& frame,
                                     SteadyTime now) const {
  const auto has = [](const auto& list, const auto& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  };
  const bool queued = listener.place.cell == nullptr;
  const bool was_there = has(running_, RunningCall::Of(frame, topics_)) &&
                         (!queued || has(turns_, Turn{listener.stats.id, listener.started}));
  return was_there ? now - since_ : Nanoseconds::zero();
}

std::vector<StuckDelivery> RunningWatch::Running() const {
  const SteadyTime now = Clock::Real().Now();
  std::vector<StuckDelivery> running;
  topics_.ForEach([&](const Topic& topic) {
    for (const ListedListener& listener : topic.ListListeners()) {
      if (listener.stats.deliveries.running == 0) continue;
      Frame::ForEach([&](const Frame& frame) {
        if (!frame.Calls(listener.place)) return;
        running.push_back({listener.stats.name, topic.type(),
                           frame.thread().thread_id.load(std::memory_order_relaxed),
                           RunningFor(listener, frame, now)});
      });
    }
  });
  return running;
}

std::uint64_t RunningWatch::CountWaiting() const {
  std::uint64_t waiting = 0;
  topics_.ForEach([&](const Topic& topic) {
    for (const ListedListener& listener : topic.ListListeners()) {
      waiting += listener.stats.deliveries.queued + listener.stats.deliveries.retrying;
    }
  });
  return waiting;
}

}  // namespace belfry
