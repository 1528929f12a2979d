// The events of one source on a loop, in order, until the dispatcher accepts them.
#pragma once

#include <list>
#include <memory>
#include <utility>

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "dispatch/backoff.h"
#include "event/ambient.h"

namespace belfry {

class Outbox;

// Whoever has an outbox.
class OutboxOwner {
 public:
  // Everything that waited has been accepted, or is not wanted any more. The outbox may go.
  virtual void OutboxEmptied(Outbox& outbox) = 0;
  // Keeps it while the outbox publishes.
  virtual std::shared_ptr<void> Alive() = 0;

 protected:
  ~OutboxOwner() = default;
};

// Publishes at once where it can. What is refused for the moment is kept and published again, after
// 1 ms, then less and less often; what comes meanwhile waits behind it. A closed dispatcher gets
// nothing: the event is forgotten.
//
// Thread safety: the loop's thread. Lifetime: not destroyed by what a publish of its own calls.
class Outbox {
 public:
  Outbox(EventLoop& loop, Dispatcher& dispatcher, OutboxOwner& owner)
      : loop_(loop), dispatcher_(dispatcher), owner_(&owner) {}
  ~Outbox() {
    if (retry_) loop_.Cancel(retry_);
  }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Each starts a story of its own. `id`: drawn before, or none.
  template <class E>
  void Publish(E&& event, const SharedExtras& extras = nullptr, EventId id = {}) {
    if (waiting_.empty()) {
      const PublishResult result = Try(event, extras, id);
      if (result.ok() || !MayBeAcceptedLater(result) || stopped_) return;
      RetryLater();
    }
    waiting_.push_back(std::make_unique<WaitingEvent<E>>(std::forward<E>(event), extras, id));
  }
  // Whether nothing waits.
  bool empty() const { return waiting_.empty(); }
  void SetOwner(OutboxOwner& owner) { owner_ = &owner; }
  // Publishes no more; also from inside its own publish.
  void Stop();

 private:
  class Waiting {
   public:
    virtual ~Waiting() = default;
    virtual PublishResult Publish(Outbox& outbox) = 0;
  };

  template <class E>
  class WaitingEvent final : public Waiting {
   public:
    WaitingEvent(E&& event, SharedExtras extras, EventId id)
        : event_(std::move(event)), extras_(std::move(extras)), id_(id) {}
    PublishResult Publish(Outbox& outbox) override { return outbox.Try(event_, extras_, id_); }

   private:
    E event_;
    const SharedExtras extras_;
    const EventId id_;
  };

  // Refused, the event is as it was.
  template <class E>
  PublishResult Try(E& event, const SharedExtras& extras, EventId id) {
    const ExtrasScope scope(extras);
    if (!id) return dispatcher_.Publish(std::move(event));
    return dispatcher_.Publish(std::move(event), {.id = id});
  }
  void RetryLater();
  void Flush();

  EventLoop& loop_;
  Dispatcher& dispatcher_;
  OutboxOwner* owner_;
  std::list<std::unique_ptr<Waiting>> waiting_;
  Backoff backoff_;
  TimerId retry_;
  bool stopped_ = false;
};

}  // namespace belfry
