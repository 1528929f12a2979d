#include "belfry/testing/fake_descriptor_events.h"

#include <cerrno>
#include <chrono>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "belfry/testing/world.h"
#include "dispatch/backoff.h"

namespace belfry::testing {
namespace {

constexpr Nanoseconds kRest = std::chrono::milliseconds(50);  // as in lib/io

Readiness Both(Readiness a, Readiness b) {
  return {.readable = a.readable || b.readable,
          .writable = a.writable || b.writable,
          .error = a.error || b.error,
          .hung_up = a.hung_up || b.hung_up};
}

// What of it one hears who has asked for `interest`.
Readiness Heard(Readiness ready, Interest interest) {
  const auto wanted = static_cast<unsigned>(interest);
  ready.readable = ready.readable && (wanted & static_cast<unsigned>(Interest::kReadable)) != 0;
  ready.writable = ready.writable && (wanted & static_cast<unsigned>(Interest::kWritable)) != 0;
  return ready;
}

Readiness Without(Readiness a, Readiness b) {
  return {.readable = a.readable && !b.readable,
          .writable = a.writable && !b.writable,
          .error = a.error && !b.error,
          .hung_up = a.hung_up && !b.hung_up};
}

}  // namespace

class FakeDescriptorEvents::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(World& world) : world_(world) {}

  void SetReady(int fd, Readiness ready) {
    ready_[fd] = Both(ready_[fd], ready);
    TellLater(fd);
  }
  bool watched(int fd) const { return watched_.contains(fd); }

  void Watch(int fd, Interest interest) {
    const auto [entry, is_new] = watched_.try_emplace(fd);
    if (!is_new) throw std::system_error(EEXIST, std::generic_category(), "epoll_ctl");
    entry->second = {.number = ++last_number_, .interest = interest};
    TellLater(fd);
  }

  void Unwatch(int fd) {
    const auto found = watched_.find(fd);
    if (found == watched_.end()) return;
    world_.Cancel(found->second.telling);
    watched_.erase(found);
  }

  void End() {
    for (const auto& [fd, watched] : watched_) world_.Cancel(watched.telling);
    watched_.clear();
  }

 private:
  struct Watched {
    std::uint64_t number = 0;  // so that nobody takes it for an earlier one
    Interest interest = Interest::kNone;
    OperationId telling{};  // a step
    bool told = false;      // and nobody has said yet that he is done with it
  };

  void TellLater(int fd) {
    const auto found = watched_.find(fd);
    if (found == watched_.end() || found->second.told || found->second.telling) return;
    if (Heard(ready_[fd], found->second.interest) == Readiness{}) return;
    found->second.telling =
        world_.FinishInTurn("descriptor " + std::to_string(fd) + " is ready",
                            [self = shared_from_this(), fd, number = found->second.number] {
                              const auto watch = self->watched_.find(fd);
                              if (watch != self->watched_.end() && watch->second.number == number) {
                                self->Tell(fd, watch->second);
                              }
                            });
  }

  void Tell(int fd, Watched& watched) {
    watched.telling = OperationId{};
    watched.told = true;
    const Readiness heard = Heard(ready_[fd], watched.interest);
    ready_[fd] = Without(ready_[fd], heard);
    const std::uint64_t number = watched.number;
    world_.dispatcher()
        .PublishTracked(FdReady{fd, heard}, {.cause = Cause{}})
        .Then([weak = weak_from_this(), &loop = world_.loop(), fd, number,
               heard](const PublishOutcome& outcome) {
          const bool refused = !outcome.result.ok();
          if (refused && !MayBeAcceptedLater(outcome.result)) return;
          const bool unheard = refused || outcome.deliveries.empty();
          loop.Post([weak, fd, number, unheard, heard] {
            const auto self = weak.lock();
            if (self != nullptr) unheard ? self->Rest(fd, number, heard) : self->Done(fd, number);
          });
        });
  }

  // Nobody has heard that; it is ready still.
  void Rest(int fd, std::uint64_t number, Readiness heard) {
    ready_[fd] = Both(ready_[fd], heard);
    world_.loop().RunAfter(kRest, [weak = weak_from_this(), fd, number] {
      if (const auto self = weak.lock()) self->Done(fd, number);
    });
  }

  // With the event of that watch.
  void Done(int fd, std::uint64_t number) {
    const auto found = watched_.find(fd);
    if (found == watched_.end() || found->second.number != number) return;
    found->second.told = false;
    TellLater(fd);
  }

  World& world_;
  std::map<int, Watched> watched_;
  std::map<int, Readiness> ready_;
  std::uint64_t last_number_ = 0;
};

FakeDescriptorEvents::FakeDescriptorEvents(World& world) : impl_(std::make_shared<Impl>(world)) {}
FakeDescriptorEvents::~FakeDescriptorEvents() { impl_->End(); }

void FakeDescriptorEvents::SetReady(int fd, Readiness ready) { impl_->SetReady(fd, ready); }
bool FakeDescriptorEvents::watched(int fd) const { return impl_->watched(fd); }
void FakeDescriptorEvents::Watch(int fd, Interest interest) { impl_->Watch(fd, interest); }
void FakeDescriptorEvents::Unwatch(int fd) { impl_->Unwatch(fd); }

}  // namespace belfry::testing
