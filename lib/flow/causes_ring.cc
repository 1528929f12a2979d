#include "belfry/flow/causes_ring.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

#include "belfry/check.h"
#include "belfry/envelope.h"
#include "sync/sync.h"

namespace belfry {
namespace {

// What one thread has published: one after the other takes the place of the oldest.
//
// Thread safety: any thread.
class ThreadRing {
 public:
  explicit ThreadRing(std::size_t size) : size_(size) {}

  // Throws std::bad_alloc.
  void Add(const Envelope& envelope, std::string_view by) {
    const sync::Lock lock(mutex_);
    if (next_ == kept_.size()) kept_.emplace_back();
    TracedEvent& kept = kept_[next_];  // whose memory is used again
    kept.id = {};                      // not whole yet
    const auto links = envelope.links();
    kept.links.assign(links.begin(), links.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                         links.size(), CauseRing::kLinksMax)));
    kept.name = envelope.type().name();
    kept.by = by;
    kept.cause = envelope.causation_id();
    kept.correlation = envelope.correlation_id();
    kept.id = envelope.id();
    next_ = next_ + 1 == size_ ? 0 : next_ + 1;
  }

  void AddTo(std::vector<TracedEvent>& all) const {
    const sync::Lock lock(mutex_);
    for (const TracedEvent& kept : kept_) {
      if (kept.id) all.push_back(kept);
    }
  }

  // Of the ring's list, under its lock: whether a thread has it.
  bool taken = true;

 private:
  const std::size_t size_;
  mutable sync::Mutex mutex_;
  std::vector<TracedEvent> kept_ ABSL_GUARDED_BY(mutex_);
  std::size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

class CauseRing::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(std::size_t events_per_thread)
      : size_(events_per_thread), late_(std::make_shared<ThreadRing>(events_per_thread)) {}

  // The calling thread's. Throws std::bad_alloc.
  ThreadRing& Mine();
  std::vector<TracedEvent> events() const;

 private:
  class Mines;

  std::shared_ptr<ThreadRing> Take();
  void GiveBack(ThreadRing& ring) {
    const sync::Lock lock(mutex_);
    ring.taken = false;
  }

  const std::size_t size_;
  const std::shared_ptr<ThreadRing> late_;  // of threads that are about to end
  mutable sync::Mutex mutex_;
  std::vector<std::shared_ptr<ThreadRing>> rings_ ABSL_GUARDED_BY(mutex_);
};

// Those of one thread: of each CauseRing that it has published to.
class CauseRing::Impl::Mines {
 public:
  Mines() = default;
  ~Mines() {
    for (const Mine& mine : all_) {
      if (const std::shared_ptr<Impl> owner = mine.owner.lock()) owner->GiveBack(*mine.ring);
    }
    over = true;
  }
  Mines(const Mines&) = delete;
  Mines& operator=(const Mines&) = delete;

  ThreadRing& Of(Impl& impl) {
    for (const Mine& mine : all_) {
      if (mine.key == &impl && !mine.owner.expired()) return *mine.ring;
    }
    std::erase_if(all_, [](const Mine& mine) { return mine.owner.expired(); });
    all_.reserve(all_.size() + 1);
    return *all_.emplace_back(Mine{&impl, impl.weak_from_this(), impl.Take()}).ring;
  }

  static thread_local bool over;  // of trivial type, so it can be read to the end

 private:
  struct Mine {
    const Impl* key;
    std::weak_ptr<Impl> owner;
    std::shared_ptr<ThreadRing> ring;
  };
  std::vector<Mine> all_;
};

thread_local bool CauseRing::Impl::Mines::over = false;

ThreadRing& CauseRing::Impl::Mine() {
  if (Mines::over) return *late_;
  static thread_local Mines mines;
  return mines.Of(*this);
}

// One that a thread has left, or a new one.
std::shared_ptr<ThreadRing> CauseRing::Impl::Take() {
  {
    const sync::Lock lock(mutex_);
    for (const std::shared_ptr<ThreadRing>& ring : rings_) {
      if (!std::exchange(ring->taken, true)) return ring;
    }
  }
  auto made = std::make_shared<ThreadRing>(size_);
  const sync::Lock lock(mutex_);
  rings_.push_back(made);
  return made;
}

std::vector<TracedEvent> CauseRing::Impl::events() const {
  std::vector<std::shared_ptr<ThreadRing>> rings;
  {
    const sync::Lock lock(mutex_);
    rings = rings_;
  }
  std::vector<TracedEvent> all;
  late_->AddTo(all);
  for (const std::shared_ptr<ThreadRing>& ring : rings) ring->AddTo(all);
  std::sort(all.begin(), all.end(),
            [](const TracedEvent& a, const TracedEvent& b) { return a.id < b.id; });
  return all;
}

CauseRing::CauseRing(std::size_t events_per_thread)
    : impl_(std::make_shared<Impl>(events_per_thread)) {
  BELFRY_CHECK(events_per_thread > 0, "a CauseRing keeps at least one event of each thread");
}
CauseRing::~CauseRing() = default;

std::vector<TracedEvent> CauseRing::events() const { return impl_->events(); }

void CauseRing::Published(const Envelope& envelope, const std::shared_ptr<const void>&,
                          const Who& by) noexcept try {
  impl_->Mine().Add(envelope, by.name);
} catch (const std::bad_alloc&) {
  // It is left out.
}

}  // namespace belfry
