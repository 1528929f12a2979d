// Tasks that go through events one after the other.
//
//   belfry::EventStream<Price> prices(dispatcher, {.events_max = 64});
//   while (const std::optional<Price> price = co_await prices.Next()) Show(*price);
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "belfry/dispatcher.h"
#include "belfry/export.h"
#include "belfry/flow/stream_base.h"
#include "belfry/flow/task_promise.h"
#include "belfry/flow/task_wait.h"
#include "belfry/site.h"

namespace belfry {

struct EventStreamOptions {
  std::size_t events_max = 256;  // that nobody has taken yet; at least 1
  WhenFull when_full = WhenFull::kDropOldest;
};

template <class E>
class StreamWait;

// All events of a type from its construction on, in the order of their publishes, kept until they
// are taken. It listens inline: an event is copied on its publisher's thread.
//
// Memory: for so many from the beginning; awaiting one takes none.
// Thread safety: one task takes at a time. Lifetime: not destroyed while that waits.
template <class E>
class EventStream {
 public:
  // Errors: events_max of 0 is a bug (aborts). Throws std::bad_alloc.
  explicit EventStream(Dispatcher& dispatcher, EventStreamOptions options = {},
                       Site site = Site::Here())
      : kept_(std::make_shared<Kept>(options)),
        subscription_(dispatcher.Subscribe([kept = kept_](const E& event) { kept->Put(event); },
                                           {.name = "stream", .run = Run::kInline}, site)) {}

  // co_await: the next event; nothing after one was lost with WhenFull::kEnd.
  TaskAwaitable<StreamWait<E>, EventStream*, Site> Next(Site site = Site::Here()) {
    return TaskAwaitable<StreamWait<E>, EventStream*, Site>(this, site);
  }
  // How many were lost because there was no room.
  std::uint64_t dropped() const { return kept_->dropped(); }

 private:
  friend class StreamWait<E>;

  // Events are copied, moved and destroyed under no lock.
  struct Place final : StreamPlace {
    std::optional<E> event;
  };
  class Kept final : public StreamBase {
   public:
    explicit Kept(const EventStreamOptions& options)
        : StreamBase(options.events_max, options.when_full) {
      for (std::size_t i = 0; i <= options.events_max; ++i) GiveBack(new Place);
    }
    ~Kept() {
      while (Place* const place = static_cast<Place*>(Pop())) delete place;
      while (Place* const place = static_cast<Place*>(TakeSpare())) delete place;
    }

    void Put(const E& event) {
      Place* place = static_cast<Place*>(TakeSpare());
      if (place == nullptr) place = new Place;  // several publish at once
      try {
        place->event.emplace(event);
      } catch (...) {
        GiveBack(place);
        throw;
      }
      Empty(PutErased(place));
    }
    std::optional<E> Take() {
      Place* const place = static_cast<Place*>(Pop());
      if (place == nullptr) return std::nullopt;
      std::optional<E> taken = std::move(place->event);
      Empty(place);
      return taken;
    }

   private:
    void Empty(StreamPlace* place) {
      if (place == nullptr) return;
      static_cast<Place*>(place)->event.reset();
      GiveBack(place);
    }
  };

  const std::shared_ptr<Kept> kept_;
  const Subscription subscription_;
};

template <class E>
class StreamWait final : private StreamWaiter {
 public:
  StreamWait(EventStream<E>* stream, Site site)
      : StreamWaiter(site, EventTypeOf<E>().name()), kept_(*stream->kept_) {}
  ~StreamWait() { Stop(kept_); }

  bool await_ready() const { return kept_.ready(); }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> awaiting) {
    return Start(kept_, awaiting.promise().run(), awaiting);
  }
  std::optional<E> await_resume() { return kept_.Take(); }

 private:
  typename EventStream<E>::Kept& kept_;
};

}  // namespace belfry
