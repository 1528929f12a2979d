#include "signup/wiring.h"

#include <memory>

#include "belfry/http/http_server.h"
#include "signup/counters.h"
#include "signup/events.h"
#include "signup/flow_as_story.h"
#include "signup/flow_by_events.h"
#include "signup/http_face.h"

namespace signup {
namespace {

using belfry::Context;
using belfry::http::HttpRequestReceived;
using belfry::http::HttpResponse;

// What both flows share: HTTP, and who looks on.
struct Common {
  Common(belfry::Dispatcher& dispatcher, const Ports& ports)
      : open(std::make_shared<OpenSignUps>(dispatcher.publisher(), ports.limits)),
        http(*open, counters),
        audit(ports.audit) {}

  const std::shared_ptr<OpenSignUps> open;
  Counters counters;
  HttpFace http;
  Audit audit;
};

template <class... E>
void Count(Wiring& wiring, const std::shared_ptr<Common>& common) {
  (wiring.OnInline<E>("counters", [common](const E& event) { common->counters.Count(event); }),
   ...);
}

template <class... E>
void Answer(Wiring& wiring, const std::shared_ptr<Common>& common) {
  (wiring.On<E>(
       "http.answer",
       [common](const E& event, Context& context) { return common->http.Answer(event, context); }),
   ...);
}

template <class... E>
void Write(Wiring& wiring, const std::shared_ptr<Common>& common) {
  (wiring.On<E>("audit",
                [common](const E&, Context& context) { return common->audit.Write(context); }),
   ...);
}

}  // namespace

Wiring WireSignUp(belfry::Dispatcher& dispatcher, const Ports& ports, Flow flow) {
  Wiring wiring(dispatcher, ports.limits);
  const auto common = std::make_shared<Common>(dispatcher, ports);

  wiring.On<HttpRequestReceived>("http.route",
                                 [common](const HttpRequestReceived& request, Context& context) {
                                   return common->http.Route(request, context);
                                 });
  switch (flow) {
    case Flow::kEvents:
      WireFlowByEvents(wiring, common->open, ports);
      break;
    case Flow::kStory:
      WireFlowAsStory(wiring, common->open, ports);
      break;
  }
  Count<UserSignedUp, SignUpFailed>(wiring, common);
  Answer<UserSignedUp, SignUpFailed>(wiring, common);
  Write<HttpRequestReceived, SignUpRequested, SignUpAccepted, UserStored, belfry::FileReadFinished,
        WelcomeRendered, belfry::FileWriteFinished, MailAccepted, UserSignedUp, SignUpFailed,
        HttpResponse>(wiring, common);
  return wiring;
}

}  // namespace signup
