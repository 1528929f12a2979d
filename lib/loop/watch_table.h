// The watches of one loop, and the epoll descriptor that knows them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "belfry/event_loop.h"
#include "loop/loop_pulse.h"
#include "sys/unique_fd.h"

namespace belfry {

// A watch is a slot and a generation; both are in the token that epoll keeps, so a readiness that
// was fetched before its watch ended finds another generation and reaches nobody.
//
// Changes of interest are collected and told to epoll before the next wait: what is switched on and
// off again within a turn costs no system call.
//
// Thread safety: the loop's thread.
class WatchTable {
 public:
  explicit WatchTable(LoopPulse& pulse);  // throws std::system_error
  ~WatchTable();

  WatchId Watch(int fd, Interest interest, std::function<void(Readiness)> ready);
  WatchId Watch(int fd, Interest interest, Watcher& watcher);
  void SetInterest(WatchId watch, Interest interest);
  void Unwatch(WatchId watch);
  Watcher* FindWatcher(WatchId watch);

  // Waits at most `timeout_ms` (-1: for ever) for someone to be ready. Whether anyone is.
  bool Wait(int timeout_ms);
  // Calls whoever was.
  void CallReady();

 private:
  class Callable;
  static constexpr std::uint32_t kEnd = ~std::uint32_t{0};
  static constexpr std::uint32_t kUnlisted = kEnd - 1;
  // A hundred thousand idle connections have one each.
  struct Slot {
    Watcher* watcher = nullptr;  // null: none
    std::uint32_t generation = 1;
    std::uint32_t next = kEnd;  // on the list of free ones, or of those whose interest has changed
  };

  static std::unique_ptr<Callable> TakeCallable(Watcher& watcher);
  Slot* Find(WatchId watch) {
    if (watch.index / kPerChunk >= chunks_.size()) return nullptr;
    Slot& slot = SlotAt(watch.index);
    return slot.watcher != nullptr && slot.generation == watch.generation ? &slot : nullptr;
  }
  void TellChanges();
  bool Tell(std::uint32_t index);
  void TellAgain(WatchId watch);
  void Call(const epoll_event& event);

  LoopPulse& pulse_;
  const sys::UniqueFd epoll_;
  // In chunks, so that a slot stays where it is and no room is wasted.
  static constexpr std::uint32_t kPerChunk = 256;
  Slot& SlotAt(std::uint32_t index) { return (*chunks_[index / kPerChunk])[index % kPerChunk]; }
  void AddChunk();

  std::vector<std::unique_ptr<std::array<Slot, kPerChunk>>> chunks_;
  std::uint32_t free_ = kEnd;
  std::uint32_t changed_ = kEnd;
  std::vector<epoll_event> batch_;
  std::size_t ready_ = 0;  // in batch_
  const Callable* running_ = nullptr;
  // That one, when its own watch has ended meanwhile.
  std::unique_ptr<Callable> ended_while_running_;
};

}  // namespace belfry
