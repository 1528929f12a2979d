#include "belfry/testing/recorder.h"

#include <algorithm>
#include <new>
#include <ostream>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "sync/sync.h"

namespace belfry::testing {

class Recorder::Impl {
 public:
  explicit Impl(const Clock& clock) : clock_(clock), begin_(clock.Now()) {}

  Record record() const {
    const sync::Lock lock(mutex_);
    return record_;
  }
  void Read(const std::function<void(const Record&)>& use) const {
    const sync::Lock lock(mutex_);
    use(record_);
  }

  void Note(std::string text) {
    const sync::Lock lock(mutex_);
    record_.happenings.push_back({Happening::Kind::kNote, Now(), 0, 0, std::move(text)});
  }

  // What is not over is moved to the front; ids still find it.
  void Clear() {
    const sync::Lock lock(mutex_);
    std::erase_if(record_.events, [](const RecordedEvent& event) {
      return std::all_of(event.deliveries.begin(), event.deliveries.end(),
                         [](const RecordedDelivery& delivery) { return delivery.ended; });
    });
    record_.happenings.clear();
    places_.clear();
    for (std::size_t i = 0; i < record_.events.size(); ++i) {
      record_.events[i].earlier = true;
      places_[record_.events[i].id.sequence] = i;
    }
  }

  void Expect(std::size_t event) {
    const sync::Lock lock(mutex_);
    record_.events.at(event).expected = true;
  }
  void Expect(std::size_t event, std::size_t delivery) {
    const sync::Lock lock(mutex_);
    record_.events.at(event).deliveries.at(delivery).expected = true;
  }

  void Published(const Envelope& envelope, const std::shared_ptr<const void>& event,
                 const Who& by) {
    const sync::Lock lock(mutex_);
    const std::size_t place = record_.events.size();
    record_.events.push_back({.type = envelope.type(),
                              .id = envelope.id(),
                              .cause = envelope.causation_id(),
                              .correlation = envelope.correlation_id(),
                              .links = {envelope.links().begin(), envelope.links().end()},
                              .event = event,
                              .by = std::string(by.name),
                              .at = Now()});
    places_[envelope.id().sequence] = place;
    Add(Happening::Kind::kPublished, place);
  }

  void Refused(const AnyEvent& event, PublishResult why, const Who& by) {
    const sync::Lock lock(mutex_);
    record_.events.push_back(
        {.type = event.type(), .by = std::string(by.name), .at = Now(), .result = why});
    Add(Happening::Kind::kRefused, record_.events.size() - 1);
  }

  void Orphaned(const Envelope& envelope) {
    const sync::Lock lock(mutex_);
    const std::size_t place = PlaceOf(envelope);
    record_.events[place].orphan = true;
    Add(Happening::Kind::kOrphaned, place);
  }

  void Begun(const Envelope& envelope, const Who& listener) {
    const sync::Lock lock(mutex_);
    const std::size_t place = PlaceOf(envelope);
    const std::size_t delivery = DeliveryOf(place, listener);
    ++record_.events[place].deliveries[delivery].attempts;
    Add(Happening::Kind::kBegun, place, delivery);
  }

  void AttemptFailed(const Envelope& envelope, const Who& listener, std::string_view what) {
    const sync::Lock lock(mutex_);
    const std::size_t place = PlaceOf(envelope);
    Add(Happening::Kind::kAttemptFailed, place, DeliveryOf(place, listener), std::string(what));
  }

  void Ended(const Envelope& envelope, const Who& listener, DeliveryOutcome::Kind how,
             std::string_view what) {
    const sync::Lock lock(mutex_);
    const std::size_t place = PlaceOf(envelope);
    const std::size_t delivery = DeliveryOf(place, listener);
    RecordedDelivery& ended = record_.events[place].deliveries[delivery];
    ended.ended = true;
    ended.how = how;
    ended.what = std::string(what);
    Add(Happening::Kind::kEnded, place, delivery);
  }

  // Whether `reached` has become so, by what is recorded.
  template <class Reached>
  bool Await(Nanoseconds limit, Reached reached) const {
    const SteadyTime deadline = TimeAfter(Clock::Real().Now(), limit);
    const sync::Lock lock(mutex_);
    while (!reached(record_)) {
      if (!changed_.WaitUntil(mutex_, deadline) && Clock::Real().Now() >= deadline) {
        return reached(record_);
      }
    }
    return true;
  }

 private:
  Nanoseconds Now() const { return clock_.Now() - begin_; }

  void Add(Happening::Kind kind, std::size_t event, std::size_t delivery = 0, std::string text = {})
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    record_.happenings.push_back({kind, Now(), event, delivery, std::move(text)});
    changed_.NotifyAll();
  }

  // One that was published before the record was cleared, or a sticky one, may be new to it.
  std::size_t PlaceOf(const Envelope& envelope) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto [found, is_new] = places_.try_emplace(envelope.id().sequence, record_.events.size());
    if (is_new) {
      record_.events.push_back({.type = envelope.type(),
                                .id = envelope.id(),
                                .cause = envelope.causation_id(),
                                .correlation = envelope.correlation_id(),
                                .links = {envelope.links().begin(), envelope.links().end()},
                                .at = Now(),
                                .earlier = true});
    }
    return found->second;
  }

  // The one that has not ended; else a new one, as when a dead letter is tried again.
  std::size_t DeliveryOf(std::size_t event, const Who& listener)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<RecordedDelivery>& deliveries = record_.events[event].deliveries;
    for (std::size_t i = deliveries.size(); i-- > 0;) {
      if (deliveries[i].listener == listener.id && !deliveries[i].ended) return i;
    }
    deliveries.push_back({.listener = listener.id, .name = std::string(listener.name)});
    return deliveries.size() - 1;
  }

  const Clock& clock_;
  const SteadyTime begin_;
  mutable sync::Mutex mutex_;
  mutable sync::Condition changed_;
  Record record_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::uint64_t, std::size_t> places_ ABSL_GUARDED_BY(mutex_);  // by id
};

Recorder::Recorder(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
Recorder::~Recorder() = default;

Record Recorder::record() const { return impl_->record(); }
void Recorder::Read(const std::function<void(const Record&)>& use) const { impl_->Read(use); }
void Recorder::Note(std::string text) { impl_->Note(std::move(text)); }
void Recorder::Clear() { impl_->Clear(); }
void Recorder::Expect(std::size_t event) const { impl_->Expect(event); }
void Recorder::Expect(std::size_t event, std::size_t delivery) const {
  impl_->Expect(event, delivery);
}

bool Recorder::AwaitEnded(std::string_view listener, std::size_t count, Nanoseconds limit) const {
  return impl_->Await(limit, [&](const Record& record) {
    std::size_t ended = 0;
    for (const RecordedEvent& event : record.events) {
      for (const RecordedDelivery& delivery : event.deliveries) {
        ended += delivery.ended && delivery.name == listener ? 1 : 0;
      }
    }
    return ended >= count;
  });
}

bool Recorder::AwaitPublished(EventType type, std::size_t count, Nanoseconds limit) const {
  return impl_->Await(limit, [&](const Record& record) {
    const auto published = std::count_if(
        record.events.begin(), record.events.end(),
        [&](const RecordedEvent& event) { return event.type == type && event.result.ok(); });
    return static_cast<std::size_t>(published) >= count;
  });
}

void PrintTo(const Recorder& recorder, std::ostream* out) {
  std::size_t events = 0;
  recorder.Read([&](const Record& record) { events = record.events.size(); });
  *out << "a record of " << events << (events == 1 ? " event" : " events");
}

void Recorder::Published(const Envelope& envelope, const std::shared_ptr<const void>& event,
                         const Who& by) noexcept {
  impl_->Published(envelope, event, by);
}
void Recorder::Refused(const AnyEvent& event, PublishResult why, const Who& by) noexcept {
  impl_->Refused(event, why, by);
}
void Recorder::Orphaned(const Envelope& envelope) noexcept { impl_->Orphaned(envelope); }
void Recorder::DeliveryBegun(const Envelope& envelope, const Who& listener) noexcept {
  impl_->Begun(envelope, listener);
}
void Recorder::AttemptFailed(const Envelope& envelope, const Who& listener,
                             std::string_view what) noexcept {
  impl_->AttemptFailed(envelope, listener, what);
}
void Recorder::DeliveryEnded(const Envelope& envelope, const Who& listener,
                             DeliveryOutcome::Kind how, std::string_view what) noexcept {
  impl_->Ended(envelope, listener, how, what);
}

}  // namespace belfry::testing
