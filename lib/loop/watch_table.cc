#include "loop/watch_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include "belfry/check.h"
#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {
namespace {

constexpr int kBatchMax = 256;  // readinesses fetched at once
// How soon a change of interest is told again that the system had no memory for.
constexpr int kRetryMilliseconds = 10;

std::uint64_t TokenOf(WatchId watch) { return std::uint64_t{watch.index} << 32 | watch.generation; }

WatchId WatchOf(std::uint64_t token) {
  return {static_cast<std::uint32_t>(token >> 32), static_cast<std::uint32_t>(token)};
}

// By interest. Who wants nothing is told of errors and hang-ups once, since they last.
constexpr std::array<std::uint32_t, 4> kEvents = {EPOLLET, EPOLLIN | EPOLLRDHUP, EPOLLOUT,
                                                  EPOLLIN | EPOLLRDHUP | EPOLLOUT};

std::uint32_t EpollEvents(Interest interest) { return kEvents[static_cast<std::size_t>(interest)]; }

bool Wants(Interest interest, Interest part) {
  return (static_cast<unsigned>(interest) & static_cast<unsigned>(part)) != 0;
}

// Without what is not wanted any more, but was when the batch was fetched. RDHUP is a hang-up, too.
Readiness ReadinessOf(std::uint32_t events, Interest wanted) {
  static_assert(EPOLLRDHUP >> 9 == EPOLLHUP);
  events &= EpollEvents(wanted) | EPOLLHUP | EPOLLERR;
  constexpr std::uint32_t kBits = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
  return std::bit_cast<Readiness>(static_cast<std::uint8_t>((events | events >> 9) & kBits));
}

}  // namespace

// A watcher for a callable. It lives until that returns, also when its own watch ends meanwhile.
class WatchTable::Callable final : public Watcher {
 public:
  Callable(WatchTable& table, std::function<void(Readiness)> ready)
      : table_(table), ready_(std::move(ready)) {}

  void OnReady(Readiness readiness) override {
    const Running running(table_, *this);
    ready_(readiness);
  }

 private:
  class Running {
   public:
    Running(WatchTable& table, Callable& callable) : table_(table) { table_.running_ = &callable; }
    ~Running() {
      table_.running_ = nullptr;
      const auto ended = std::move(table_.ended_while_running_);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    WatchTable& table_;
  };

  WatchTable& table_;
  const std::function<void(Readiness)> ready_;
};

WatchTable::WatchTable(LoopPulse& pulse)
    : pulse_(pulse), epoll_(sys::EpollCreate()), batch_(kBatchMax) {
  if (!epoll_) sys::ThrowErrno("epoll_create1");
}

WatchTable::~WatchTable() {
  for (const auto& chunk : chunks_) {
    for (const Slot& slot : *chunk) {
      if (slot.watcher != nullptr && slot.watcher->callable_) TakeCallable(*slot.watcher);
    }
  }
}

std::unique_ptr<WatchTable::Callable> WatchTable::TakeCallable(Watcher& watcher) {
  return std::unique_ptr<Callable>(static_cast<Callable*>(&watcher));
}

void WatchTable::AddChunk() {
  chunks_.push_back(std::make_unique<std::array<Slot, kPerChunk>>());
  const auto first = static_cast<std::uint32_t>((chunks_.size() - 1) * kPerChunk);
  for (std::uint32_t i = first + kPerChunk; i-- > first;) {
    SlotAt(i).next = std::exchange(free_, i);
  }
}

WatchId WatchTable::Watch(int fd, Interest interest, std::function<void(Readiness)> ready) {
  BELFRY_CHECK(ready, "a watch needs a callable");
  auto callable = std::make_unique<Callable>(*this, std::move(ready));
  const WatchId watch = Watch(fd, interest, *callable);
  callable.release()->callable_ = true;
  return watch;
}

WatchId WatchTable::Watch(int fd, Interest interest, Watcher& watcher) {
  BELFRY_CHECK(watcher.fd_ < 0, "a watcher has one watch at a time");
  if (free_ == kEnd) AddChunk();
  const WatchId watch{free_, SlotAt(free_).generation};
  if (sys::EpollAdd(epoll_.get(), fd, EpollEvents(interest), TokenOf(watch)) != 0) {
    sys::ThrowErrno("epoll_ctl(EPOLL_CTL_ADD, " + std::to_string(fd) + ")");
  }
  Slot& slot = SlotAt(watch.index);
  free_ = std::exchange(slot.next, kUnlisted);
  slot.watcher = &watcher;
  watcher.fd_ = fd;
  watcher.wanted_ = watcher.told_ = interest;
  watcher.again_ = false;
  return watch;
}

Watcher* WatchTable::FindWatcher(WatchId watch) {
  const Slot* const slot = Find(watch);
  return slot == nullptr || slot->watcher->callable_ ? nullptr : slot->watcher;
}

void WatchTable::SetInterest(WatchId watch, Interest interest) {
  Slot* const slot = Find(watch);
  if (slot == nullptr) return;
  slot->watcher->wanted_ = interest;
  if (slot->next != kUnlisted || slot->watcher->told_ == interest) return;
  slot->next = std::exchange(changed_, watch.index);
}

void WatchTable::Unwatch(WatchId watch) {
  Slot* const slot = Find(watch);
  if (slot == nullptr) return;
  Watcher& watcher = *std::exchange(slot->watcher, nullptr);
  // Closing would do, if nobody had a duplicate; with one, readiness would come for ever.
  BELFRY_CHECK(sys::EpollDelete(epoll_.get(), std::exchange(watcher.fd_, -1)) == 0,
               "a watched descriptor was closed before its watch was ended");
  if (++slot->generation == 0) slot->generation = 1;
  // One whose interest has changed is still on that list, and becomes free when that is told.
  if (slot->next == kUnlisted) slot->next = std::exchange(free_, watch.index);
  if (!watcher.callable_) return;
  auto callable = TakeCallable(watcher);
  if (callable.get() == running_) ended_while_running_ = std::move(callable);
  // Otherwise the callable goes here, last, since its destructor may come back to us.
}

void WatchTable::TellChanges() {
  std::uint32_t again = kEnd;
  while (changed_ != kEnd) {
    const std::uint32_t index = changed_;
    Slot& slot = SlotAt(index);
    changed_ = std::exchange(slot.next, kUnlisted);
    if (slot.watcher == nullptr) {
      slot.next = std::exchange(free_, index);
    } else if (!Tell(index)) {
      slot.next = std::exchange(again, index);
    }
  }
  changed_ = again;
}

// False: there was no memory for it.
bool WatchTable::Tell(std::uint32_t index) {
  Watcher& watcher = *SlotAt(index).watcher;
  if (watcher.told_ == watcher.wanted_ && !watcher.again_) return true;
  const std::uint64_t token = TokenOf({index, SlotAt(index).generation});
  if (sys::EpollModify(epoll_.get(), watcher.fd_, EpollEvents(watcher.wanted_), token) != 0) {
    BELFRY_CHECK(errno == ENOMEM, "a watched descriptor was closed before its watch was ended");
    return false;
  }
  watcher.told_ = watcher.wanted_;
  watcher.again_ = false;
  return true;
}

bool WatchTable::Wait(int timeout_ms) {
  if (changed_ != kEnd) {
    TellChanges();
    const bool soon = 0 <= timeout_ms && timeout_ms <= kRetryMilliseconds;
    if (changed_ != kEnd && !soon) timeout_ms = kRetryMilliseconds;
  }
  const int ready = sys::EpollWait(epoll_.get(), batch_.data(), kBatchMax, timeout_ms);
  BELFRY_CHECK(ready >= 0 || errno == EINTR, "epoll_wait failed");
  ready_ = static_cast<std::size_t>(std::max(ready, 0));
  return ready_ != 0;
}

inline void WatchTable::Call(const epoll_event& event) {
  const WatchId watch = WatchOf(event.data.u64);
  const Slot& slot = SlotAt(watch.index);
  if (slot.generation != watch.generation) return;  // ended by one before it in this batch
  Watcher& watcher = *slot.watcher;
  pulse_.Calls(LoopWork::kDescriptor, watcher.fd_);
  if (event.events == EPOLLIN && Wants(watcher.wanted_, Interest::kReadable)) [[likely]] {
    watcher.OnReadable();
    return;
  }
  const Readiness readiness = ReadinessOf(event.events, watcher.wanted_);
  if (std::bit_cast<std::uint8_t>(readiness) != 0) watcher.OnReady(readiness);
}

void WatchTable::CallReady() {
  const std::span<const epoll_event> ready(batch_.data(), ready_);
  auto next = ready.begin();
  try {
    while (next != ready.end()) Call(*next++);
  } catch (...) {
    while (next != ready.end()) TellAgain(WatchOf((*next++).data.u64));
    throw;
  }
}

// A readiness is not called, since a callback before it has thrown. It comes again, but to one that
// wants nothing only when it is asked for again.
void WatchTable::TellAgain(WatchId watch) {
  Slot* const slot = Find(watch);
  if (slot == nullptr || slot->watcher->wanted_ != Interest::kNone) return;
  slot->watcher->again_ = true;
  if (slot->next == kUnlisted) slot->next = std::exchange(changed_, watch.index);
}

}  // namespace belfry
