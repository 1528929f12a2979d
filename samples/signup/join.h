// Several events of one story, in whatever order they come, become one value.
//
//   Join<UserStored, FileReadFinished> join;
//   join.Open(story);                                         // before any of them can happen
//   if (auto all = join.Add(stored, context.envelope())) ...  // from a listener of each
//   join.Close(story);
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include "belfry/envelope.h"

namespace signup {

// A story is what began with one root event: its events share their correlation id.
//
// Thread safety: any thread.
// Lifetime: a story's events are kept from Open to Close; those of stories that are not open are
// ignored, so that a late one never leaves anything behind.
template <class... Events>
class Join {
 public:
  struct Complete {
    std::tuple<Events...> events;
    std::vector<belfry::EventId> earlier;  // the ids of all but the last

    template <class E>
    const E& get() const {
      return std::get<E>(events);
    }
  };

  void Open(belfry::EventId story) {
    const std::lock_guard lock(mutex_);
    stories_.try_emplace(story);
  }

  void Close(belfry::EventId story) {
    const std::lock_guard lock(mutex_);
    stories_.erase(story);
  }

  // Keeps `event`; the first of its type counts. The call that brings the last one, and no other,
  // is given them all.
  template <class E>
  std::optional<Complete> Add(const E& event, const belfry::Envelope& envelope) {
    const std::lock_guard lock(mutex_);
    const auto story = stories_.find(envelope.correlation_id());
    if (story == stories_.end()) return std::nullopt;
    Parts& parts = story->second;
    std::optional<E>& part = std::get<std::optional<E>>(parts.events);
    if (part.has_value()) return std::nullopt;
    part = event;
    if (parts.ids.size() + 1 == sizeof...(Events)) {
      return Complete{{*std::get<std::optional<Events>>(parts.events)...}, parts.ids};
    }
    parts.ids.push_back(envelope.id());
    return std::nullopt;
  }

 private:
  struct Parts {
    std::tuple<std::optional<Events>...> events;
    std::vector<belfry::EventId> ids;
  };
  std::mutex mutex_;
  std::map<belfry::EventId, Parts> stories_;
};

}  // namespace signup
