// The loop of a world: a real one, by the world's clock.
#pragma once

#include <functional>

#include "belfry/event_loop.h"

namespace belfry::testing {

// Thread safety: the world's thread.
class WorldLoop {
 public:
  explicit WorldLoop(const Clock& clock);  // throws std::system_error
  ~WorldLoop();
  WorldLoop(const WorldLoop&) = delete;
  WorldLoop& operator=(const WorldLoop&) = delete;

  EventLoop& loop() { return loop_; }
  // One turn, in which `first` is called as whoever watches a ready descriptor is.
  void TurnWith(std::function<void()> first);

 private:
  void OnReady();

  EventLoop loop_;
  const int bell_;  // a descriptor that is ready whenever somebody looks
  WatchId watch_;
  std::function<void()> first_;
};

}  // namespace belfry::testing
