#include "dispatch/decoration.h"

#include "dispatch/dispatcher_core.h"
#include "dispatch/frame.h"
#include "dispatch/inline_group.h"
#include "dispatch/queued_listener.h"

namespace belfry {

std::shared_ptr<Decoration> Decoration::Of(ListenerOptions& options) {
  const bool quarantined = options.quarantine.failures > 0;
  if (!options.filter && !options.once && !options.owner && !quarantined) return nullptr;
  return std::shared_ptr<Decoration>(new Decoration(options));
}

Decoration::Decoration(ListenerOptions& options)
    : filter_(std::move(options.filter)),
      once_(options.once),
      owner_(std::move(options.owner)),
      failures_(options.quarantine.failures == 0
                    ? nullptr
                    : std::make_unique<FailureWindow>(options.quarantine)) {}

void Decoration::CallerFailed(std::string_view what) {
  Frame& frame = *Frame::Innermost();
  Listener& listener = frame.CurrentListener();
  const EventType type = frame.MadeEnvelope().type();
  Failed(listener, frame.core()->topics().Of(type), what);
}

void Decoration::Failed(Listener& listener, const Topic& topic, std::string_view what) {
  DispatcherCore& core = topic.core();
  if (failures_ == nullptr || !failures_->Add(core.clock().Now())) return;
  listener.SetMuted(true);
  core.telling().OfQuarantine(listener, topic, failures_->told(), what);
}

void Decoration::FinishCaller() {
  Listener& listener = Frame::Innermost()->CurrentListener();
  listener.TellUnsubscribed();
  listener.Finish();
}

}  // namespace belfry
