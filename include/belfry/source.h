// Something that publishes from outside: a server, a timer, a composition.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "belfry/export.h"

namespace belfry {

class DispatcherCore;

// What a source waits for, for people: "composition signup, key 7: has UserStored, ...". Not all of
// it, if that is much.
using WaitsFor = std::function<std::vector<std::string>()>;

// Its registration with a dispatcher, which tells it to stop: `stop` is called once, at Shutdown or
// at once after it, the latest registered first; it must not wait for the dispatcher. `waits_for`
// is called by Dispatcher::SourcesWaitFor, under no lock, maybe on several threads, and maybe once
// more when the registration has just ended.
//
// Thread safety: one thread at a time. Lifetime: may outlive the dispatcher.
class [[nodiscard]] BELFRY_EXPORT Source {
 public:
  Source() = default;
  Source(std::shared_ptr<DispatcherCore> core, std::uint64_t id);
  Source(Source&& other) noexcept;
  Source& operator=(Source&& other) noexcept;
  ~Source();  // no longer told; waits for a `stop` that is running on another thread

  std::uint64_t id() const { return id_; }  // unique in its dispatcher; 0 when empty

 private:
  std::shared_ptr<DispatcherCore> core_;
  std::uint64_t id_ = 0;
};

}  // namespace belfry
