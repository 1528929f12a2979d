// Sign-ups that an earlier process did not finish.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <vector>

#include "belfry/dispatcher.h"
#include "signup/events.h"
#include "signup/user_store.h"

namespace signup {

// Asks for every pending user once more, each a story of its own, a few at a time, so that
// newcomers are served meanwhile. What fails again stays pending.
//
// Thread safety: any thread. Lifetime: begins no more once the dispatcher is closed, and ends when
// destroyed; the rest stays pending.
class Resumption {
 public:
  struct Report {
    std::size_t pending = 0;  // that there were
    std::size_t failed = 0;   // of them
  };

  // `done` is called at most once, on any thread: when the last one has ended.
  Resumption(belfry::Dispatcher& dispatcher, const std::vector<User>& pending,
             std::function<void(const Report&)> done);

  void Start();

 private:
  static constexpr std::size_t kAtOnce = 32;

  void Continue();
  void Ended(belfry::EventId story, bool failed);

  belfry::Dispatcher& dispatcher_;
  const std::function<void(const Report&)> done_;
  std::mutex mutex_;
  std::deque<User> waiting_;
  std::set<belfry::EventId> under_way_;
  Report report_;
  // Last, so that nothing is told any more when the rest goes.
  std::vector<belfry::Subscription> subscriptions_;
};

}  // namespace signup
