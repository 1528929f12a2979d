#include "belfry/flow/stream_base.h"

#include <utility>

#include "belfry/check.h"
#include "sync/sync.h"

namespace belfry {

class StreamBase::Impl {
 public:
  Impl(std::size_t most, WhenFull full) : events_max(most), when_full(full) {
    BELFRY_CHECK(events_max > 0, "a stream has room for one event at least");
  }

  bool ready() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return first != nullptr || ended; }

  StreamPlace* Pop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    StreamPlace* const place = first;
    if (place == nullptr) return nullptr;
    first = std::exchange(place->next, nullptr);
    if (first == nullptr) last = nullptr;
    --size;
    return place;
  }
  void PushBack(StreamPlace& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    (last == nullptr ? first : last->next) = &place;
    last = &place;
    ++size;
  }
  // The place of what is not kept for it, or null.
  StreamPlace* Put(StreamPlace& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const bool full = size == events_max;
    if (full && when_full == WhenFull::kEnd) ended = true;
    if (full || ended) ++dropped;
    if (ended || (full && when_full == WhenFull::kDropNewest)) return &place;
    StreamPlace* const oldest = full ? Pop() : nullptr;
    PushBack(place);
    return oldest;
  }

  const std::size_t events_max;
  const WhenFull when_full;
  mutable sync::Mutex mutex;
  StreamPlace* first ABSL_GUARDED_BY(mutex) = nullptr;
  StreamPlace* last ABSL_GUARDED_BY(mutex) = nullptr;
  StreamPlace* spare ABSL_GUARDED_BY(mutex) = nullptr;
  std::size_t size ABSL_GUARDED_BY(mutex) = 0;
  bool ended ABSL_GUARDED_BY(mutex) = false;
  std::uint64_t dropped ABSL_GUARDED_BY(mutex) = 0;
  StreamWaiter* waiter ABSL_GUARDED_BY(mutex) = nullptr;
};

StreamBase::StreamBase(std::size_t events_max, WhenFull when_full)
    : impl_(std::make_unique<Impl>(events_max, when_full)) {}
StreamBase::~StreamBase() = default;

bool StreamBase::ready() const {
  const sync::Lock lock(impl_->mutex);
  return impl_->ready();
}

std::uint64_t StreamBase::dropped() const {
  const sync::Lock lock(impl_->mutex);
  return impl_->dropped;
}

StreamPlace* StreamBase::TakeSpare() {
  const sync::Lock lock(impl_->mutex);
  StreamPlace* const place = impl_->spare;
  if (place != nullptr) impl_->spare = std::exchange(place->next, nullptr);
  return place;
}

void StreamBase::GiveBack(StreamPlace* place) {
  const sync::Lock lock(impl_->mutex);
  place->next = std::exchange(impl_->spare, place);
}

StreamPlace* StreamBase::Pop() {
  const sync::Lock lock(impl_->mutex);
  return impl_->Pop();
}

StreamPlace* StreamBase::PutErased(StreamPlace* place) {
  Waker waker;
  StreamPlace* not_kept = nullptr;
  {
    const sync::Lock lock(impl_->mutex);
    not_kept = impl_->Put(*place);
    if (impl_->waiter != nullptr) waker = std::exchange(impl_->waiter, nullptr)->Ready();
  }
  waker.Wake();
  return not_kept;
}

bool StreamWaiter::Start(StreamBase& stream, TaskRun& run, std::coroutine_handle<> awaiting) {
  Begin(run, awaiting);
  const sync::Lock lock(stream.impl_->mutex);
  BELFRY_CHECK(stream.impl_->waiter == nullptr, "two tasks wait for one stream");
  if (stream.impl_->ready()) return false;
  stream.impl_->waiter = this;
  return true;
}

void StreamWaiter::Stop(StreamBase& stream) {
  if (run() != nullptr) {
    const sync::Lock lock(stream.impl_->mutex);
    if (stream.impl_->waiter == this) stream.impl_->waiter = nullptr;
  }
  End();
}

}  // namespace belfry
