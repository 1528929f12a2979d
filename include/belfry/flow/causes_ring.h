// The latest events of a running program, for who asks what caused what.
//
//   belfry::CauseRing ring;
//   belfry::Dispatcher dispatcher({.observer = &ring});
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "belfry/export.h"
#include "belfry/flow/causes.h"
#include "belfry/observer.h"

namespace belfry {

// Keeps the last events that each thread has published: their ids, causes, links, types and
// publishers, not the events. What an observer costs, see Observer, is more than what this adds.
//
// Thread safety: any thread. A publish takes a lock of its own thread's, which only events() takes
// beside it.
// Lifetime: as an Observer's. What a thread has published outlives it, until another one that comes
// later has as much to say. Memory: events_per_thread for as many threads as there were at once.
// An event for which there is no memory is left out.
class BELFRY_EXPORT CauseRing final : public Observer {
 public:
  static constexpr std::size_t kLinksMax = 64;  // of an event; more are left out

  explicit CauseRing(std::size_t events_per_thread = 4096);
  ~CauseRing() override;

  // In the order of their ids.
  std::vector<TracedEvent> events() const;

  // --- Observer ---
  void Published(const Envelope& envelope, const std::shared_ptr<const void>& event,
                 const Who& by) noexcept override;

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace belfry
