// Something that publishes from outside: a server, a timer.
#pragma once

#include <cstdint>
#include <memory>

#include "belfry/export.h"

namespace belfry {

class DispatcherCore;

// Its registration with a dispatcher, which tells it to stop at shutdown; see
// Dispatcher::AddSource.
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
