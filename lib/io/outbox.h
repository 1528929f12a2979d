// The events of one source on a loop, in order, until the dispatcher accepts them.
#pragma once

#include <list>
#include <memory>
#include <utility>

#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "dispatch/backoff.h"

namespace belfry {

// Whoever has an outbox. It stays alive while its outbox is at work.
class OutboxOwner : public std::enable_shared_from_this<OutboxOwner> {
 public:
  // Everything that waited has been accepted, or is not wanted any more: go on reading.
  virtual void OutboxEmptied() = 0;

 protected:
  ~OutboxOwner() = default;
};

// Publishes at once where it can. What is refused for the moment is kept and published again, after
// 1 ms, then less and less often; what comes meanwhile, or from inside a listener that this
// outbox's own publish is calling, waits behind it. A closed dispatcher gets nothing: the event is
// forgotten.
//
// Thread safety: the loop's thread. Lifetime: its owner holds it and the owner is held by a
// shared_ptr.
class Outbox {
 public:
  Outbox(EventLoop& loop, Dispatcher& dispatcher, OutboxOwner& owner)
      : loop_(loop), dispatcher_(dispatcher), owner_(owner) {}
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  template <class E>
  void Publish(E event, const PublishOptions& options) {
    if (!idle()) {
      waiting_.push_back(std::make_unique<WaitingEvent<E>>(std::move(event), options));
      return;
    }
    if (Try([&] { return dispatcher_.Publish(std::move(event), options); })) {
      if (!waiting_.empty()) Flush();
      return;
    }
    // Refused, it is as it was. In front, since listeners of the refusal may have added something.
    waiting_.push_front(std::make_unique<WaitingEvent<E>>(std::move(event), options));
    RetryLater();
  }

  // Whether nothing waits.
  bool empty() const { return waiting_.empty(); }
  // Whether nothing waits and nothing is being published.
  bool idle() const { return !publishing_ && waiting_.empty(); }

 private:
  class Waiting {
   public:
    virtual ~Waiting() = default;
    virtual PublishResult Publish(Dispatcher& dispatcher) = 0;
  };

  template <class E>
  class WaitingEvent final : public Waiting {
   public:
    WaitingEvent(E event, const PublishOptions& options)
        : event_(std::move(event)), options_(options) {}
    PublishResult Publish(Dispatcher& dispatcher) override {
      return dispatcher.Publish(std::move(event_), options_);
    }

   private:
    E event_;
    const PublishOptions options_;
  };

  // Whether the event is done with. What its listeners publish here meanwhile only queues up.
  template <class F>
  bool Try(F publish) {
    publishing_ = true;
    const PublishResult result = publish();
    publishing_ = false;
    return result.ok() || !MayBeAcceptedLater(result);
  }

  void Flush();
  void RetryLater();

  EventLoop& loop_;
  Dispatcher& dispatcher_;
  OutboxOwner& owner_;
  std::list<std::unique_ptr<Waiting>> waiting_;
  bool publishing_ = false;
  Backoff backoff_;
  TimerId retry_;
};

}  // namespace belfry
