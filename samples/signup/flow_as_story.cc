#include "signup/flow_as_story.h"

#include <exception>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/flow/all.h"
#include "belfry/flow/task.h"
#include "belfry/flow/timeout.h"
#include "belfry/flow/undo.h"
#include "signup/events.h"
#include "signup/steps.h"
#include "signup/validation.h"
#include "signup/welcome.h"

namespace signup {
namespace {

using belfry::Cause;
using belfry::FileReadFinished;
using belfry::Task;

// Thread safety: one sign-up is one delivery, so its tasks run one at a time.
class FlowAsStory {
 public:
  FlowAsStory(const belfry::Dispatcher& dispatcher, std::shared_ptr<OpenSignUps> open,
              const Ports& ports)
      : publisher_(dispatcher.publisher()),
        clock_(dispatcher.clock()),
        open_(std::move(open)),
        users_(ports.users),
        files_(ports.files),
        mailbox_(ports.mailbox),
        welcome_template_(ports.welcome_template) {}

  // → UserSignedUp or SignUpFailed
  Task<absl::Status> Run(const SignUpRequested& request) {
    const Cause cause = Cause::Current();
    if (!open_->Open(cause)) co_return absl::OkStatus();
    try {
      co_await SignUp(request, cause.correlation);
    } catch (const SignUpError& error) {
      co_return open_->Fail(cause, error.failed());
    } catch (const std::exception& error) {
      open_->Fail(cause, Unexpected(error.what())).IgnoreError();
      throw;
    }
    co_return absl::OkStatus();
  }

 private:
  Task<> SignUp(const SignUpRequested& request, belfry::EventId story) {
    const belfry::Nanoseconds time_max = open_->limits().time_max;
    const belfry::SteadyTime deadline = belfry::TimeAfter(clock_.Now(), time_max);
    Validate(request);

    belfry::Undo undo;
    const auto prepared = co_await belfry::Timeout(time_max, Prepare(request, undo));
    if (!prepared.has_value()) throw SignUpError(TookTooLong("the row, or the template,"));
    const auto& [text, row] = *prepared;
    const User& user = row.user;

    // A mail that is on its way cannot be called back: the row follows what becomes of it.
    undo.Release();
    const absl::Status delivered = co_await Deliver(user, text, deadline);
    if (!delivered.ok()) {
      TakeBack(row);
      throw SignUpError(MailNotDelivered(delivered));
    }
    Publish(publisher_, MailAccepted{user.id});
    if (!open_->contains(story)) co_return;  // too late: whoever asks again goes on from here

    Activate(users_, user.id);
    Publish(publisher_, UserSignedUp{user.id, user.email});
    open_->Close(story);
  }

  // The template's text, and the row: the file is read while the store works.
  Task<std::tuple<std::string, AddedUser>> Prepare(const SignUpRequested& request,
                                                   belfry::Undo& undo) {
    co_return co_await belfry::All(ReadTemplate(), Store(request, undo));
  }

  Task<std::string> ReadTemplate() {
    const FileReadFinished read = co_await files_.Read(welcome_template_);
    co_return TemplateOf(read);
  }

  Task<AddedUser> Store(const SignUpRequested& request, belfry::Undo& undo) {
    AddedUser row = AddPending(users_, request.email, request.name);
    undo.Add([this, row] { TakeBack(row); });
    Publish(publisher_, UserStored{row.user.id, row.user.email, row.user.name});
    co_return row;
  }

  // What became of the mail, however long that takes. Whoever asked is told in time.
  Task<absl::Status> Deliver(const User& user, const std::string& text,
                             belfry::SteadyTime deadline) {
    const absl::StatusOr<bool> there = mailbox_.Has(WelcomeMailOf(user.id));
    if (!there.ok() || *there) co_return there.status();

    const auto written =
        WriteMail(files_, mailbox_, user.id, WelcomeMessage(user, text, clock_.WallNow()));
    const auto in_time = co_await belfry::Timeout(deadline - clock_.Now(), written);
    if (!in_time.has_value()) open_->Fail(Cause::Current(), TookTooLong("the mail")).IgnoreError();
    co_return (co_await written).status;
  }

  void TakeBack(const AddedUser& row) {
    if (row.state != AddedUser::State::kNew) return;  // it was there before
    // If that fails it stays pending, and the next start resumes it.
    RemoveUnlessMailed(users_, mailbox_, row.user.id).IgnoreError();
  }

  const belfry::Publisher publisher_;
  const belfry::Clock& clock_;
  const std::shared_ptr<OpenSignUps> open_;
  UserStore& users_;
  belfry::Files& files_;
  const Mailbox& mailbox_;
  const std::string welcome_template_;
};

}  // namespace

void WireFlowAsStory(Wiring& wiring, std::shared_ptr<OpenSignUps> open, const Ports& ports) {
  const auto open_max = static_cast<unsigned>(ports.limits.open_max);
  const auto flow = std::make_shared<FlowAsStory>(wiring.dispatcher(), std::move(open), ports);
  belfry::ListenerOptions options;
  // Of one address one after the other: nobody else touches its row or its mail meanwhile.
  options.key = [](const SignUpRequested& request) { return AddressKey(request.email); };
  options.concurrency = open_max + 1;  // so that whoever is one too many is told so
  wiring.On<SignUpRequested>(
      "signup.story", [flow](const SignUpRequested& request) { return flow->Run(request); },
      std::move(options));
}

}  // namespace signup
