// The right to publish, for whoever may still be called when the dispatcher is gone.
//
//   button.on_click = [publisher = dispatcher.publisher()] { publisher.Publish(Clicked{}); };
#pragma once

#include <memory>
#include <utility>

#include "belfry/event_handle.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/publish_options.h"
#include "belfry/publish_result.h"

namespace belfry {

class Dispatcher;
class DispatcherCore;

// A handle on a dispatcher that can do nothing but publish. Copies are handles on the same one.
//
// Thread safety: any thread, and inside any listener.
// Lifetime: may outlive the dispatcher, of which it then keeps a little memory. A publish does not
// wait for the dispatcher's end.
// Order, blocking, errors: as Dispatcher::Publish; kClosed when the dispatcher is gone.
class BELFRY_EXPORT Publisher {
 public:
  template <class E>
  PublishResult Publish(E&& event, PublishOptions options = {}) const {
    return WithEvent(std::forward<E>(event), [&](EventType type, EventHandle handle) {
      return PublishErased(type, handle, std::move(options));
    });
  }

 private:
  friend class Dispatcher;
  explicit Publisher(std::shared_ptr<DispatcherCore> core) : core_(std::move(core)) {}

  PublishResult PublishErased(EventType type, EventHandle handle, PublishOptions options) const;

  std::shared_ptr<DispatcherCore> core_;
};

}  // namespace belfry
