// Everything that happens in a dispatcher, kept.
//
//   belfry::testing::Recorder recorder;
//   belfry::Dispatcher dispatcher({.observer = &recorder});
//   auto welcome = dispatcher.Subscribe(SendWelcome, {.name = "mail.welcome"});
//   dispatcher.Publish(UserSignedUp{"ada@example.org"});
//   EXPECT_TRUE(recorder.AwaitEnded("mail.welcome", 1));  // however many threads there are
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_id.h"
#include "belfry/event_type.h"
#include "belfry/observer.h"
#include "belfry/publish_outcome.h"

namespace belfry::testing {

// One event's delivery to one listener.
struct RecordedDelivery {
  ListenerId listener = 0;
  std::string name{};
  unsigned attempts = 0;  // that have begun
  bool ended = false;
  DeliveryOutcome::Kind how{};  // what became of it, once it has ended
  std::string what{};           // why, where that needs a reason
  bool expected = false;        // some expectation has named it
};

struct RecordedEvent {
  EventType type;
  EventId id{};
  EventId cause{};
  EventId correlation{};
  std::vector<EventId> links{};
  std::shared_ptr<const void> event{};  // null if it was refused
  std::string by{};                     // the listener in whose delivery it was published
  Nanoseconds at{};                     // since the recorder was made
  bool earlier = false;                 // it was published before the record was cleared
  bool orphan = false;                  // nobody listens to it
  bool expected = false;                // some expectation has named it
  PublishResult result{};
  std::vector<RecordedDelivery> deliveries{};  // in the order in which they began, or ended

  // Null when it is of another type, or was refused.
  template <class E>
  const E* As() const {
    return type == EventTypeOf<E>() ? static_cast<const E*>(event.get()) : nullptr;
  }
};

// One thing that happened.
struct Happening {
  enum class Kind { kPublished, kRefused, kOrphaned, kBegun, kAttemptFailed, kEnded, kNote };
  Kind kind{};
  Nanoseconds at{};
  std::size_t event = 0;     // its index
  std::size_t delivery = 0;  // likewise, of kBegun, kAttemptFailed and kEnded
  std::string text{};        // of kAttemptFailed: why; of kNote: what
};

struct Record {
  std::vector<RecordedEvent> events{};  // in the order in which they were published
  std::vector<Happening> happenings{};  // in the order in which they were seen
};

// Thread safety: any thread. A dispatcher's observer sees what is accepted before it is delivered,
// so the record has causes before what they cause.
// Lifetime: as an Observer's. Keeps every event until it is cleared.
class BELFRY_EXPORT Recorder final : public Observer {
 public:
  explicit Recorder(const Clock& clock = Clock::Real());
  ~Recorder() override;

  // A copy, as it is now.
  Record record() const;
  // Calls `use` with it, under a lock: for who needs no copy.
  void Read(const std::function<void(const Record&)>& use) const;
  // Something that somebody else has seen.
  void Note(std::string text);
  // Forgets what has ended; what is still under way stays.
  void Clear();
  // For expectations, which change nothing that has happened: what they are about, by its place in
  // the record.
  void Expect(std::size_t event) const;
  void Expect(std::size_t event, std::size_t delivery) const;

  // Wait until so many deliveries to listeners of that name have ended, or so many events of that
  // type were published, since the recorder was made or cleared. False when they have not within
  // `limit` of real time.
  bool AwaitEnded(std::string_view listener, std::size_t count,
                  Nanoseconds limit = std::chrono::seconds(60)) const;
  bool AwaitPublished(EventType type, std::size_t count,
                      Nanoseconds limit = std::chrono::seconds(60)) const;
  template <class E>
  bool AwaitPublished(std::size_t count, Nanoseconds limit = std::chrono::seconds(60)) const {
    return AwaitPublished(EventTypeOf<E>(), count, limit);
  }

  // --- Observer ---
  void Published(const Envelope& envelope, const std::shared_ptr<const void>& event,
                 const Who& by) noexcept override;
  void Refused(const AnyEvent& event, PublishResult why, const Who& by) noexcept override;
  void Orphaned(const Envelope& envelope) noexcept override;
  void DeliveryBegun(const Envelope& envelope, const Who& listener) noexcept override;
  void AttemptFailed(const Envelope& envelope, const Who& listener,
                     std::string_view what) noexcept override;
  void DeliveryEnded(const Envelope& envelope, const Who& listener, DeliveryOutcome::Kind how,
                     std::string_view what) noexcept override;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

// For EXPECT_THAT: one line.
BELFRY_EXPORT void PrintTo(const Recorder& recorder, std::ostream* out);

}  // namespace belfry::testing
