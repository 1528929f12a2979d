#include "belfry/descriptor_events.h"

#include <chrono>
#include <new>
#include <optional>
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
    bool told = false;                  // and nobody has said yet that he is done with it
    std::optional<Readiness> missed{};  // meanwhile, or by all
  };

  void OnReady(int fd, Readiness readiness) {
    Watched& watched = watched_.at(fd);
    if (std::exchange(watched.told, true)) {  // a hang-up meanwhile
      watched.missed = readiness;
      return;
    }
    const WatchId id = watched.id;
    loop_.SetInterest(id, Interest::kNone);
    try {
      dispatcher_.PublishTracked(FdReady{fd, readiness}, {.cause = Cause{}})
          .Then([weak = weak_from_this(), &loop = loop_, fd, id,
                 readiness](const PublishOutcome& outcome) {
            const bool refused = !outcome.result.ok();
            if (refused && !MayBeAcceptedLater(outcome.result)) return;
            const bool rests = refused || outcome.deliveries.empty();
            loop.Post([weak, fd, id, readiness, rests] {
              const auto self = weak.lock();
              if (self != nullptr) rests ? self->Rest(fd, id, readiness) : self->Done(fd, id);
            });
          });
    } catch (const std::bad_alloc&) {
      Rest(fd, id, readiness);
    }
  }

  // Null: that watch has ended.
  Watched* Find(int fd, WatchId id) {
    const auto found = watched_.find(fd);
    return found == watched_.end() || found->second.id != id ? nullptr : &found->second;
  }

  // Nobody has heard of it.
  void Rest(int fd, WatchId id, Readiness readiness) {
    Watched* const watched = Find(fd, id);
    if (watched == nullptr) return;
    if (!watched->missed) watched->missed = readiness;
    loop_.RunAfter(kRest, [weak = weak_from_this(), fd, id] {
      if (const auto self = weak.lock()) self->Done(fd, id);
    });
  }

  // All are done with the event of that watch.
  void Done(int fd, WatchId id) {
    Watched* const watched = Find(fd, id);
    if (watched == nullptr) return;
    watched->told = false;
    loop_.SetInterest(id, watched->interest);
    // What was missed and lasts the loop tells again, but not to who wants nothing.
    const std::optional<Readiness> missed = std::exchange(watched->missed, std::nullopt);
    if (missed && watched->interest == Interest::kNone) OnReady(fd, *missed);
  }

  EventLoop& loop_;
  Dispatcher& dispatcher_;
  std::unordered_map<int, Watched> watched_;
};

DescriptorEvents::DescriptorEvents(EventLoop& loop, Dispatcher& dispatcher)
    : impl_(std::make_shared<Impl>(loop, dispatcher)) {}
DescriptorEvents::~DescriptorEvents() {
  if (impl_ != nullptr) impl_->End();
}

void DescriptorEvents::Watch(int fd, Interest interest) { impl_->Watch(fd, interest); }
void DescriptorEvents::Unwatch(int fd) { impl_->Unwatch(fd); }

}  // namespace belfry
