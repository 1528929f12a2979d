// A registered listener: what all kinds have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/listener_body.h"
#include "belfry/publish_result.h"
#include "belfry/stats.h"
#include "belfry/subscription.h"
#include "dispatch/frame.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

inline constexpr std::size_t kListenerNameMax = 256;

// A listener as it was when somebody asked.
struct ListedListener {
  ListenerStats stats;
  Place place;
  std::uint64_t started = 0;  // of a queued one: the position behind the latest event that was
};

class Decoration;
class Publication;
struct Mail;
class Topic;
class ListenerWithQueue;

// Why an event has no place in some queue.
struct QueueRefusal {
  PublishResult::Code code = PublishResult::Code::kAccepted;
  std::shared_ptr<ListenerWithQueue> listener{};  // whose queue it is
  const Mail* mail = nullptr;
};

// Who it is. Its life: live → detached (nothing starts any more, what is queued is cancelled) →
// gone (nothing runs, the callable is destroyed).
//
// Thread safety: any thread.
class Listener {
 public:
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  ListenerId id() const { return id_; }
  Topic& topic() const { return *topic_; }
  Place place() const { return place_; }
  RateLimit& failures_told() { return failures_told_; }
  // What it was given, or "EventType@file:line". The latter is made when first asked for; throws
  // std::bad_alloc then.
  std::string_view name() const;
  static std::string DefaultName(EventType type, Site site);

  // --- Its subscription's, which does not use it after either ---
  virtual void Detach() = 0;
  virtual ResetResult Reset() = 0;
  // --- Its subscription's ---
  virtual ReplaceResult Replace(CallableHandle callable) = 0;
  bool suspends() const { return MarkedTraits().suspends; }
  virtual void SetMuted(bool muted) = 0;
  // --- Its own delivery's ---
  // Ends it as a subscription's Detach does; its subscription stays.
  virtual void Finish() = 0;

  struct Identity {
    std::string name{};
    std::unique_ptr<const std::string> made_name{};
    std::shared_ptr<const ListenerOrder> order{};
  };

  // Set by who subscribes: for when its callable is replaced, and for who wants to know.
  void Decorate(const std::shared_ptr<Decoration>& decoration, ListenerTraits traits);
  std::shared_ptr<Decoration> decoration() const { return decoration_.lock(); }
  // --- Who is told of its coming and going: by who adds it; by who is about to take it out ---
  void TellSubscribed();
  void TellUnsubscribed();
  // --- Under its topic's mutex ---
  std::string_view given_name() const { return name_; }
  Site site() const { return site_; }
  // What it asks for, or null. Set before anybody else knows it.
  const std::shared_ptr<const ListenerOrder>& order() const { return order_; }
  void SetOrder(const std::shared_ptr<const ListenerOrder>& order) { order_ = order; }

 protected:
  explicit Listener(Topic& topic) : topic_(&topic) {}
  ~Listener();
  // Who it is from now on. Before anybody else knows it.
  void Name(ListenerId id, std::string& name, Site site, Place place);
  // Takes away who it was: whoever takes that destroys it under no lock.
  void Unname(Identity& taken);
  void SetPlace(Place place) { place_ = place; }
  // Of its options, those that make no difference to its kind.
  ListenerTraits MarkedTraits() const;

 private:
  Topic* const topic_;
  ListenerId id_ = 0;
  Place place_;
  Site site_;
  std::string name_;
  mutable sync::Atomic<const std::string*> made_name_{nullptr};
  std::shared_ptr<const ListenerOrder> order_;
  RateLimit failures_told_;
  std::weak_ptr<Decoration> decoration_;
  sync::Atomic<std::uint8_t> marks_{0};  // the yes-or-no ones of its traits; who was told of it
};

// Why a listener was passed over.
inline constexpr const char* kMuted = "the listener is muted";

// Of a delivery that has failed.
struct AttemptState {
  unsigned attempt = 1;  // how many there were
  bool final = true;     // there will be no other one
};

// What an event needs in a queue.
struct EventSize {
  std::size_t bytes;
  bool counted;  // differs from event to event
};

// One whose events wait in a queue before they are delivered.
class ListenerWithQueue : public Listener {
 public:
  // How long a publisher may wait for room; nothing where he must not.
  virtual std::optional<Nanoseconds> patience() const = 0;
  // Waits until there may be room for an event, or its mail if it was given that; false at the
  // deadline.
  virtual bool AwaitRoom(EventSize size, const Mail* mail, SteadyTime deadline) = 0;
  virtual bool running() const = 0;
  virtual std::uint64_t started() const = 0;  // grows with every delivery that no frame counts
  // A synchronous dispatcher's: all events up to that one, on this thread.
  virtual void DeliverUntil(const Publication& publication) = 0;
  // Nothing that is queued is delivered any more. Returns how many events that were.
  virtual std::uint64_t Discard() = 0;

 protected:
  using Listener::Listener;
  ~ListenerWithQueue() = default;
};

}  // namespace belfry
