#include "signup/wiring.h"

#include <memory>
#include <string_view>
#include <utility>

#include "belfry/http/http_server.h"
#include "belfry/library_events.h"
#include "signup/counters.h"
#include "signup/events.h"
#include "signup/http_face.h"
#include "signup/mail_delivery.h"
#include "signup/sign_up.h"
#include "signup/welcome.h"

namespace signup {
namespace {

using belfry::Context;
using belfry::FileReadFinished;
using belfry::FileWriteFinished;
using belfry::ListenerFailed;
using belfry::http::HttpRequestReceived;
using belfry::http::HttpResponse;

// The objects whose methods listen. Every listener keeps them all alive.
struct Flow {
  Flow(belfry::Dispatcher& dispatcher, const Ports& ports)
      : open(dispatcher, ports.limits),
        http(open, counters),
        sign_up(open, ports.users),
        welcome(open, ports.files, ports.welcome_template),
        mail(open, ports.files, ports.mailbox),
        audit(ports.audit),
        welcome_template(ports.welcome_template) {}

  OpenSignUps open;
  Counters counters;
  HttpFace http;
  SignUp sign_up;
  Welcome welcome;
  MailDelivery mail;
  Audit audit;
  const std::string welcome_template;
};

class Wiring {
 public:
  Wiring(belfry::Dispatcher& dispatcher, const Ports& ports)
      : dispatcher_(dispatcher),
        flow_(std::make_shared<Flow>(dispatcher, ports)),
        // A sign-up has at most one event in a listener's queue, and some have just ended: below
        // the limit of open sign-ups nothing is refused. What is refused fails its sign-up at once.
        queue_{.events_max = 4 * ports.limits.open_max} {}

  // `method` of `part` listens to E, queued: it may block.
  template <class E, class Part>
  void On(std::string_view name, Part Flow::*part,
          absl::Status (Part::*method)(const E&, Context&)) {
    Subscribe<E>(name, [flow = flow_, part, method](const E& event, Context& context) {
      return ((*flow).*part.*method)(event, context);
    });
  }

  // The same for the welcome template's reading, among all files that may be read.
  template <class Part>
  void OnTemplate(std::string_view name, Part Flow::*part,
                  absl::Status (Part::*method)(const FileReadFinished&, Context&)) {
    Subscribe<FileReadFinished>(
        name, [flow = flow_, part, method](const FileReadFinished& read, Context& context) {
          if (read.path != flow->welcome_template) return absl::OkStatus();
          return ((*flow).*part.*method)(read, context);
        });
  }

  template <class... E>
  void Count() {
    (kept_.push_back(
         dispatcher_.Subscribe<E>([flow = flow_](const E& event) { flow->counters.Count(event); },
                                  {.name = "counters", .run = belfry::Run::kInline})),
     ...);
  }

  template <class... E>
  void Audit() {
    (Subscribe<E>("audit", [flow = flow_](const E&,
                                          Context& context) { return flow->audit.Write(context); }),
     ...);
  }

  std::vector<belfry::Subscription> Take() { return std::move(kept_); }

 private:
  template <class E, class Listener>
  void Subscribe(std::string_view name, Listener listener) {
    kept_.push_back(dispatcher_.Subscribe<E>(
        std::move(listener),
        {.name = std::string(name), .queue = queue_, .overflow = belfry::Overflow::Reject()}));
  }

  belfry::Dispatcher& dispatcher_;
  const std::shared_ptr<Flow> flow_;
  const belfry::QueueLimit queue_;
  std::vector<belfry::Subscription> kept_;
};

}  // namespace

std::vector<belfry::Subscription> WireSignUp(belfry::Dispatcher& dispatcher, const Ports& ports) {
  Wiring wire(dispatcher, ports);

  wire.On<HttpRequestReceived>("http.route", &Flow::http, &HttpFace::Route);
  wire.On<SignUpRequested>("signup.validate", &Flow::sign_up, &SignUp::Validate);

  wire.On<SignUpAccepted>("signup.store", &Flow::sign_up, &SignUp::Store);
  wire.On<SignUpAccepted>("welcome.read", &Flow::welcome, &Welcome::ReadTemplate);

  wire.On<UserStored>("welcome.render", &Flow::welcome, &Welcome::Render);
  wire.OnTemplate("welcome.render", &Flow::welcome, &Welcome::Render);

  wire.On<WelcomeRendered>("mail.deliver", &Flow::mail, &MailDelivery::Deliver);
  wire.On<FileWriteFinished>("mail.accept", &Flow::mail, &MailDelivery::Accept);

  wire.On<UserStored>("signup.complete", &Flow::sign_up, &SignUp::Complete);
  wire.OnTemplate("signup.complete", &Flow::sign_up, &SignUp::Complete);
  wire.On<MailAccepted>("signup.complete", &Flow::sign_up, &SignUp::Complete);

  wire.On<ListenerFailed>("signup.rescue", &Flow::sign_up, &SignUp::Rescue);

  wire.Count<UserSignedUp, SignUpFailed>();
  wire.On<UserSignedUp>("http.answer", &Flow::http, &HttpFace::Answer);
  wire.On<SignUpFailed>("http.answer", &Flow::http, &HttpFace::Answer);

  wire.Audit<HttpRequestReceived, SignUpRequested, SignUpAccepted, UserStored, FileReadFinished,
             WelcomeRendered, FileWriteFinished, MailAccepted, UserSignedUp, SignUpFailed,
             HttpResponse>();
  return wire.Take();
}

}  // namespace signup
