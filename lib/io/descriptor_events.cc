#include "belfry/descriptor_events.h"

#include <chrono>
#include <new>
#include <unordered_map>
#include <utility>

#include "dispatch/backoff.h"

namespace belfry {
namespace {

constexpr Nanoseconds kRest = std::chrono::milliseconds(50);

}  // namespace

class DescriptorEvents::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(EventLoop& loop, Dispatcher& dispatcher) : loop_(loop), dispatcher_(dispatcher) {}

  void Watch(int fd, Interest interest) {
    const auto [entry, is_new] = watched_.try_emplace(fd);
    try {
      entry->second.id = loop_.Watch(
          fd, interest,
          [self = shared_from_this(), fd](Readiness ready) { self->OnReady(fd, ready); });
    } catch (...) {
      if (is_new) watched_.erase(entry);
      throw;
    }
    entry->second.interest = interest;
  }

  void Unwatch(int fd) {
    const auto found = watched_.find(fd);
    if (found == watched_.end()) return;
    loop_.Unwatch(found->second.id);
    watched_.erase(found);
  }

  void End() {
    for (const auto& [fd, watched] : watched_) loop_.Unwatch(watched.id);
    watched_.clear();
  }

 private:
  struct Watched {
    WatchId id{};
    Interest interest = Interest::kNone;
    bool told = false;  // and nobody has said yet that he is done with it
  };

  void OnReady(int fd, Readiness readiness) {
    Watched& watched = watched_.at(fd);
    if (std::exchange(watched.told, true)) return;  // a hang-up meanwhile: told again when it lasts
    const WatchId id = watched.id;
    loop_.SetInterest(id, Interest::kNone);
    try {
      dispatcher_.PublishTracked(FdReady{fd, readiness}, {.cause = Cause{}})
          .Then([weak = weak_from_this(), &loop = loop_, fd, id](const PublishOutcome& outcome) {
            const bool refused = !outcome.result.ok();
            if (refused && !MayBeAcceptedLater(outcome.result)) return;
            const bool rests = refused || outcome.deliveries.empty();
            loop.Post([weak, fd, id, rests] {
              if (const auto self = weak.lock()) self->Done(fd, id, rests);
            });
          });
    } catch (const std::bad_alloc&) {
      Done(fd, id, true);
    }
  }

  // With the event of that watch.
  void Done(int fd, WatchId id, bool rests) {
    if (rests) {
      loop_.RunAfter(kRest, [weak = weak_from_this(), fd, id] {
        if (const auto self = weak.lock()) self->Done(fd, id, false);
      });
      return;
    }
    const auto found = watched_.find(fd);
    if (found == watched_.end() || found->second.id != id) return;
    found->second.told = false;
    loop_.SetInterest(id, found->second.interest);
  }

  EventLoop& loop_;
  Dispatcher& dispatcher_;
  std::unordered_map<int, Watched> watched_;
};

DescriptorEvents::DescriptorEvents(EventLoop& loop, Dispatcher& dispatcher)
    : impl_(std::make_shared<Impl>(loop, dispatcher)) {}
DescriptorEvents::~DescriptorEvents() { impl_->End(); }

void DescriptorEvents::Watch(int fd, Interest interest) { impl_->Watch(fd, interest); }
void DescriptorEvents::Unwatch(int fd) { impl_->Unwatch(fd); }

}  // namespace belfry
