// The watches of one loop, and the epoll descriptor that knows them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "belfry/event_loop.h"
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
  WatchTable();  // throws std::system_error
  ~WatchTable();

  WatchId Watch(int fd, Interest interest, std::function<void(Readiness)> ready);
  void SetInterest(WatchId watch, Interest interest);
  void Unwatch(WatchId watch);

  // Waits at most `timeout_ms` (-1: for ever) and calls whoever is ready.
  void WaitAndCall(int timeout_ms);

 private:
  class Running;
  struct Slot {
    std::uint32_t generation = 1;
    int fd = -1;  // -1: free
    Interest wanted = Interest::kNone;
    Interest told = Interest::kNone;  // what epoll knows
    bool changed = false;             // is in changed_
    // On the heap, since a running callable must not move when the table grows.
    std::unique_ptr<std::function<void(Readiness)>> ready;
  };

  Slot* Find(WatchId watch);
  void TellChanges();
  void Call(const epoll_event& event);

  const sys::UniqueFd epoll_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> changed_;
  std::vector<epoll_event> batch_;
  WatchId running_;  // whose callable is being called
  // The running callable, when its own watch has ended meanwhile.
  std::unique_ptr<std::function<void(Readiness)>> ended_while_running_;
};

}  // namespace belfry
