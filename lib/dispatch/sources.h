// Those who publish from outside, to be told when the dispatcher closes.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/source.h"
#include "sync/sync.h"

namespace belfry {

// Thread safety: any thread. What is registered is called under no lock.
class Sources {
 public:
  // Told of a `stop` that threw: which source, and what.
  using Failed = std::function<void(std::string_view name, std::string_view what)>;
  explicit Sources(Failed failed) : failed_(std::move(failed)) {}

  // Registers one; told at once when the others have been told already. Returns its id, from 1.
  std::uint64_t Add(std::string name, std::function<void()> stop, WaitsFor waits_for = nullptr);
  // It is told no more; waits if it is being told on another thread.
  void Remove(std::uint64_t id);
  // Tells them all, once, the latest registered first.
  void StopAll();
  // Those that have not been told, in the order in which they were registered.
  std::vector<std::string> WaitFor() const;

 private:
  struct Source {
    std::uint64_t id;
    std::string name;
    std::function<void()> stop;
    std::shared_ptr<const WaitsFor> waits_for;  // so that a copy is no user code
  };

  // Ends the telling of one, even when it unwinds the thread.
  class Telling {
   public:
    explicit Telling(Sources& sources) : sources_(sources) {}
    ~Telling();
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;

   private:
    Sources& sources_;
  };

  void Stop(const Source& source) const;

  const Failed failed_;
  mutable sync::Mutex mutex_;
  sync::Condition told_;
  // A list, so that its nodes are made and destroyed outside the lock.
  std::list<Source> sources_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t telling_ ABSL_GUARDED_BY(mutex_) = 0;
  sync::Thread::id teller_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
