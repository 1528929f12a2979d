#include "signup/flow_by_events.h"

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"

#include "belfry/flow/compose.h"
#include "belfry/flow/undo.h"
#include "signup/events.h"
#include "signup/mail_delivery.h"
#include "signup/pending_rows.h"
#include "signup/steps.h"
#include "signup/welcome.h"

namespace signup {
namespace {

using belfry::Cause;
using belfry::Dispatcher;
using belfry::FileReadFinished;
using belfry::FileWriteFinished;

// Each step gets an event and publishes the next one. Between them a sign-up is nowhere but in the
// compositions, which know it by its correlation id.
//
// Thread safety: any thread. Errors: a step throws a SignUpError, and the sign-up has failed.
class FlowByEvents {
 public:
  FlowByEvents(Dispatcher& dispatcher, std::shared_ptr<OpenSignUps> open, const Ports& ports)
      : publisher_(dispatcher.publisher()),
        clock_(dispatcher.clock()),
        open_(std::move(open)),
        users_(ports.users),
        files_(ports.files),
        welcome_template_(ports.welcome_template),
        rows_(ports.users, ports.mailbox),
        mails_(*open_, rows_, publisher_, ports.files, ports.mailbox) {}

  OpenSignUps& open() { return *open_; }

  // --- Steps ---

  // → SignUpAccepted
  void Validate(const SignUpRequested& request) {
    if (!open_->Open(Cause::Current())) return;
    signup::Validate(request);
    Publish(publisher_, SignUpAccepted{request.email, request.name});
  }

  // → UserStored
  void Store(const SignUpAccepted& accepted) {
    const User user = rows_.Add(accepted.email, accepted.name);
    belfry::Undo undo;
    undo.Add([&] { rows_.LetGo(user.id).IgnoreError(); });
    Publish(publisher_, UserStored{user.id, user.email, user.name});
    undo.Release();  // from here on that is the composition's
  }

  // → FileReadFinished
  void ReadTemplate(const SignUpAccepted& /*accepted*/) {
    const auto asked = files_.Read(welcome_template_);
    if (!asked) TemplateOf(asked.value());  // throws: it was refused
  }

  void CheckTemplate(const FileReadFinished& read) {
    if (read.path == welcome_template_) TemplateOf(read);
  }

  // → FileWriteFinished, or at once MailAccepted
  void Deliver(const WelcomeRendered& mail) { mails_.Deliver(mail); }

  // → MailAccepted
  void Accept(const FileWriteFinished& written) { mails_.Accept(written); }

  // --- What belongs together ---

  // UserStored + the template → WelcomeRendered
  belfry::Composition ComposeWelcome(const std::shared_ptr<FlowByEvents>& self,
                                     Dispatcher& dispatcher) {
    return belfry::Compose<WelcomeRendered>(dispatcher, {.name = "welcome.render"})
        .AllOf(belfry::Part<UserStored>{}, Template())
        .Unless<SignUpFailed>()
        .Emit([self](const UserStored& user, const FileReadFinished& read) {
          return WelcomeRendered{user.id, WelcomeMessage({user.id, user.email, user.name},
                                                         read.content, self->clock_.WallNow())};
        })
        .Start();
  }

  // All that makes a sign-up → UserSignedUp
  belfry::Composition ComposeSignUp(const std::shared_ptr<FlowByEvents>& self,
                                    Dispatcher& dispatcher) {
    return belfry::Compose<UserSignedUp>(dispatcher, {.name = "signup.complete"})
        .AllOf(belfry::Part<SignUpAccepted>{}, belfry::Part<UserStored>{}, Template(),
               belfry::Part<MailAccepted>{})
        .Within(open_->limits().time_max)
        .Unless<SignUpFailed>()
        .Emit([self](const SignUpAccepted&, const UserStored& user, const FileReadFinished&,
                     const MailAccepted&) { return self->Complete(user); })
        .OnTimeout([self](const belfry::GotParts&, const belfry::MissingParts& missing) {
          return self->TimeOut(missing);
        })
        .Undo<UserStored>([self](const UserStored& user) { return self->rows_.LetGo(user.id); })
        .Start();
  }

 private:
  belfry::Part<FileReadFinished> Template() const {
    return {.name = "the template",
            .filter = [path = welcome_template_](const FileReadFinished& read) {
              return read.path == path && read.status.ok();
            }};
  }

  // Inside the publish of MailAccepted, which is always the last: so on a thread that may block.
  std::optional<UserSignedUp> Complete(const UserStored& user) {
    const Cause cause = Cause::Current();
    if (!open_->Close(cause.correlation)) {  // SignUpFailed is just being published
      rows_.LetGo(user.id).IgnoreError();
      return std::nullopt;
    }
    try {
      Activate(users_, user.id);
    } catch (const SignUpError& error) {
      rows_.LetGo(user.id).IgnoreError();
      open_->Tell(cause, error.failed()).IgnoreError();
      return std::nullopt;
    }
    rows_.Keep(user.id);
    return UserSignedUp{user.id, user.email};
  }

  std::optional<SignUpFailed> TimeOut(const belfry::MissingParts& missing) {
    if (!open_->Close(Cause::Current().correlation)) return std::nullopt;
    return TookTooLong(absl::StrJoin(missing, ", "));
  }

  const belfry::Publisher publisher_;
  const belfry::Clock& clock_;
  const std::shared_ptr<OpenSignUps> open_;
  UserStore& users_;
  belfry::Files& files_;
  const std::string welcome_template_;
  PendingRows rows_;
  MailDelivery mails_;
};

// Wires steps: whatever one throws ends its sign-up.
class StepWiring {
 public:
  StepWiring(Wiring& wiring, std::shared_ptr<FlowByEvents> flow)
      : wiring_(wiring), flow_(std::move(flow)) {}

  template <class E>
  void On(std::string_view name, void (FlowByEvents::*step)(const E&)) {
    wiring_.On<E>(name, [flow = flow_, step](const E& event) {
      const Cause cause = Cause::Current();
      try {
        ((*flow).*step)(event);
      } catch (const SignUpError& error) {
        return flow->open().Fail(cause, error.failed());
      } catch (const std::exception& error) {
        flow->open().Fail(cause, Unexpected(error.what())).IgnoreError();
        throw;
      }
      return absl::OkStatus();
    });
  }

 private:
  Wiring& wiring_;
  const std::shared_ptr<FlowByEvents> flow_;
};

}  // namespace

void WireFlowByEvents(Wiring& wiring, std::shared_ptr<OpenSignUps> open, const Ports& ports) {
  Dispatcher& dispatcher = wiring.dispatcher();
  const auto flow = std::make_shared<FlowByEvents>(dispatcher, std::move(open), ports);
  StepWiring steps(wiring, flow);

  // In this order: a sign-up has got a part before the mail is made of it.
  wiring.Keep(flow->ComposeSignUp(flow, dispatcher));
  wiring.Keep(flow->ComposeWelcome(flow, dispatcher));

  steps.On("signup.validate", &FlowByEvents::Validate);
  steps.On("signup.store", &FlowByEvents::Store);
  steps.On("welcome.read", &FlowByEvents::ReadTemplate);
  steps.On("welcome.check", &FlowByEvents::CheckTemplate);
  steps.On("mail.deliver", &FlowByEvents::Deliver);
  steps.On("mail.accept", &FlowByEvents::Accept);
}

}  // namespace signup
