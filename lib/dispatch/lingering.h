// Listeners that are detached, but have deliveries that go on: the dispatcher still has to do with
// them.
#pragma once

#include <cstdint>
#include <memory>

#include "sync/sync.h"

namespace belfry {

class MailboxListener;

// One's place among them; the list's mutex.
struct LingeringPlace {
  std::shared_ptr<MailboxListener> next{};
  bool told = false;  // to give up
};

// Thread safety: any thread. Its mutex is taken after a listener's.
class Lingering {
 public:
  Lingering() = default;
  ~Lingering();
  Lingering(const Lingering&) = delete;
  Lingering& operator=(const Lingering&) = delete;

  void Add(const std::shared_ptr<MailboxListener>& listener);
  void Remove(const MailboxListener& listener);
  // Has all of them give up what waits. How many deliveries that were.
  std::uint64_t Discard();
  bool empty() const;
  // Null: the first one. Null when there is none, or `listener` does not linger any more.
  std::shared_ptr<MailboxListener> NextAfter(const MailboxListener* listener) const;

 private:
  std::shared_ptr<MailboxListener> NextToTell();

  mutable sync::Mutex mutex_;
  std::shared_ptr<MailboxListener> first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
