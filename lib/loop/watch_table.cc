#include "loop/watch_table.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "belfry/check.h"
#include "sys/errors.h"
#include "sys/sys.h"

namespace belfry {
namespace {

constexpr std::size_t kBatchMax = 256;  // readinesses fetched at once
// How soon a change of interest is told again that the system had no memory for.
constexpr int kRetryMilliseconds = 10;

std::uint64_t TokenOf(WatchId watch) { return std::uint64_t{watch.index} << 32 | watch.generation; }

WatchId WatchOf(std::uint64_t token) {
  return {static_cast<std::uint32_t>(token >> 32), static_cast<std::uint32_t>(token)};
}

bool Has(Interest interest, Interest part) {
  return (static_cast<unsigned>(interest) & static_cast<unsigned>(part)) != 0;
}

std::uint32_t EpollEvents(Interest interest) {
  std::uint32_t events = 0;
  if (Has(interest, Interest::kReadable)) events |= EPOLLIN | EPOLLRDHUP;
  if (Has(interest, Interest::kWritable)) events |= EPOLLOUT;
  return events;
}

// Without what is not wanted any more, but was when the batch was fetched.
Readiness ReadinessOf(std::uint32_t events, Interest wanted) {
  events &= EpollEvents(wanted) | EPOLLHUP | EPOLLERR;
  return {.readable = (events & EPOLLIN) != 0,
          .writable = (events & EPOLLOUT) != 0,
          .hung_up = (events & (EPOLLHUP | EPOLLRDHUP)) != 0,
          .error = (events & EPOLLERR) != 0};
}

}  // namespace

WatchTable::WatchTable() : epoll_(sys::EpollCreate()) {
  if (!epoll_) sys::ThrowErrno("epoll_create1");
  batch_.reserve(kBatchMax);
}

WatchTable::~WatchTable() = default;

WatchId WatchTable::Watch(int fd, Interest interest, std::function<void(Readiness)> ready) {
  BELFRY_CHECK(ready, "a watch needs a callable");
  auto held = std::make_unique<std::function<void(Readiness)>>(std::move(ready));
  if (free_.empty()) {
    slots_.emplace_back();
    // Room for every slot in both lists: ending a watch and changing it must not fail.
    free_.reserve(slots_.capacity());
    changed_.reserve(slots_.capacity());
    free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const std::uint32_t index = free_.back();
  Slot& slot = slots_[index];
  const WatchId watch{index, slot.generation};
  if (sys::EpollAdd(epoll_.get(), fd, EpollEvents(interest), TokenOf(watch)) != 0) {
    sys::ThrowErrno("epoll_ctl(EPOLL_CTL_ADD, " + std::to_string(fd) + ")");
  }
  free_.pop_back();
  slot.fd = fd;
  slot.wanted = slot.told = interest;
  slot.ready = std::move(held);
  return watch;
}

WatchTable::Slot* WatchTable::Find(WatchId watch) {
  if (watch.index >= slots_.size()) return nullptr;
  Slot& slot = slots_[watch.index];
  return slot.fd >= 0 && slot.generation == watch.generation ? &slot : nullptr;
}

void WatchTable::SetInterest(WatchId watch, Interest interest) {
  Slot* const slot = Find(watch);
  if (slot == nullptr) return;
  slot->wanted = interest;
  if (slot->changed || slot->told == interest) return;
  slot->changed = true;
  changed_.push_back(watch.index);
}

void WatchTable::Unwatch(WatchId watch) {
  Slot* const slot = Find(watch);
  if (slot == nullptr) return;
  const int fd = std::exchange(slot->fd, -1);
  // Closing would do, if nobody had a duplicate; with one, readiness would come for ever.
  BELFRY_CHECK(sys::EpollDelete(epoll_.get(), fd) == 0,
               "a watched descriptor was closed before its watch was ended");
  if (++slot->generation == 0) slot->generation = 1;
  free_.push_back(watch.index);
  auto ready = std::move(slot->ready);
  if (watch == running_) ended_while_running_ = std::move(ready);
  // Otherwise the callable goes here, last, since its destructor may come back to us.
}

// A slot that was freed, or used anew, since it got on the list is told what it wants now:
// harmless.
void WatchTable::TellChanges() {
  std::size_t left = 0;
  for (const std::uint32_t index : changed_) {
    Slot& slot = slots_[index];
    slot.changed = false;
    if (slot.fd < 0 || slot.told == slot.wanted) continue;
    const std::uint64_t token = TokenOf({index, slot.generation});
    if (sys::EpollModify(epoll_.get(), slot.fd, EpollEvents(slot.wanted), token) == 0) {
      slot.told = slot.wanted;
      continue;
    }
    BELFRY_CHECK(errno == ENOMEM, "a watched descriptor was closed before its watch was ended");
    slot.changed = true;
    changed_[left++] = index;
  }
  changed_.resize(left);
}

void WatchTable::WaitAndCall(int timeout_ms) {
  TellChanges();
  if (!changed_.empty() && (timeout_ms < 0 || timeout_ms > kRetryMilliseconds)) {
    timeout_ms = kRetryMilliseconds;
  }
  batch_.resize(kBatchMax);
  const int ready = sys::EpollWait(epoll_.get(), batch_.data(), kBatchMax, timeout_ms);
  BELFRY_CHECK(ready >= 0 || errno == EINTR, "epoll_wait failed");
  batch_.resize(static_cast<std::size_t>(std::max(ready, 0)));
  for (const epoll_event& event : batch_) Call(event);
}

// Names the watch whose callable runs; keeps the callable if its watch ends meanwhile.
class WatchTable::Running {
 public:
  Running(WatchTable& table, WatchId watch) : table_(table) { table_.running_ = watch; }
  ~Running() {
    table_.running_ = WatchId{};
    const auto ended = std::move(table_.ended_while_running_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  WatchTable& table_;
};

void WatchTable::Call(const epoll_event& event) {
  const WatchId watch = WatchOf(event.data.u64);
  Slot* const slot = Find(watch);
  if (slot == nullptr) return;  // ended by one before it in this batch
  const Readiness readiness = ReadinessOf(event.events, slot->wanted);
  if (readiness == Readiness{}) return;

  std::function<void(Readiness)>& call = *slot->ready;
  const Running running(*this, watch);
  call(readiness);
}

}  // namespace belfry
