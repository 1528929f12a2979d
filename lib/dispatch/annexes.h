// What rooms above keep with a dispatcher.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "sync/sync.h"

namespace belfry {

// One thing of each type that is asked for, made at the first call. Whoever holds it may keep it
// for longer than the dispatcher.
//
// Thread safety: any thread. Blocking: a short lock, under which nothing of theirs is called.
class Annexes {
 public:
  // Throws std::bad_alloc.
  template <class T>
  std::shared_ptr<T> Of() {
    static constexpr char kKey = 0;
    if (auto found = Find(&kKey)) return std::static_pointer_cast<T>(std::move(found));
    return std::static_pointer_cast<T>(Add(&kKey, std::make_shared<T>()));
  }

 private:
  using Entry = std::pair<const void*, std::shared_ptr<void>>;

  std::shared_ptr<void> Find(const void* key) {
    const sync::Lock lock(mutex_);
    return FindLocked(key);
  }
  // Or the one that somebody else has added meanwhile.
  std::shared_ptr<void> Add(const void* key, std::shared_ptr<void> made) {
    const sync::Lock lock(mutex_);
    if (auto found = FindLocked(key)) return found;
    entries_.emplace_back(key, made);
    return made;
  }
  std::shared_ptr<void> FindLocked(const void* key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const Entry& entry : entries_) {
      if (entry.first == key) return entry.second;
    }
    return nullptr;
  }

  sync::Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace belfry
