#include "dialects/plain.h"

#include <utility>

#include "absl/status/status.h"

// Every public header that needs no other library but Abseil.
#include "belfry/await.h"
#include "belfry/connection_events.h"
#include "belfry/event_loop.h"
#include "belfry/files.h"
#include "belfry/library_events.h"
#include "belfry/manual_executor.h"
#include "belfry/signals.h"
#include "belfry/subscription_bag.h"
#include "belfry/timer_queue.h"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this is to be compiled with -fno-exceptions -fno-rtti"
#endif

namespace belfry::plain {

Subscription ListenToParcels(Dispatcher& dispatcher, Got& got, Run run) {
  return dispatcher.Subscribe([&got](const Parcel& parcel) { got.parcels += parcel.address; },
                              {.run = run});
}

Subscription ListenToLetters(Dispatcher& dispatcher, Got& got, Run run) {
  return dispatcher.Subscribe([&got](const Letter& letter) { got.letters += letter.weight; },
                              {.run = run});
}

Subscription RefuseLetters(Dispatcher& dispatcher, Run run) {
  return dispatcher.Subscribe(
      [](const Letter&) { return absl::UnavailableError("the box is full"); },
      {.name = "box", .run = run});
}

PublishResult PublishParcel(Dispatcher& dispatcher, std::string address) {
  return dispatcher.Publish(Parcel{std::move(address)});
}

PublishResult PublishLetter(Dispatcher& dispatcher, int weight) {
  return dispatcher.Publish(Letter{weight});
}

EventType TypeOfParcel() { return EventTypeOf<Parcel>(); }

}  // namespace belfry::plain
