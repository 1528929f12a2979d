#include "signup/mail_delivery.h"

#include <utility>

#include "absl/status/statusor.h"

#include "signup/steps.h"

namespace signup {

using belfry::Cause;

void MailDelivery::Deliver(const WelcomeRendered& mail) {
  const std::string path = mailbox_.NewPath(WelcomeMailOf(mail.id));
  {
    const std::lock_guard lock(mutex_);
    const auto [delivery, first] = deliveries_.try_emplace(path);
    if (!first) {
      delivery->second.stories.push_back(Cause::Current());
      return;
    }
    if (!rows_.Hold(mail.id)) {  // it took too long meanwhile, and was undone
      deliveries_.erase(delivery);
      return;
    }
    delivery->second = {mail.id, {Cause::Current()}};
  }
  // Also for a row that this sign-up has made itself: another one for the same address may have
  // overtaken it from there.
  const absl::StatusOr<bool> there = mailbox_.Has(WelcomeMailOf(mail.id));
  if (!there.ok() || *there) return Conclude(path, there.status());
  const auto asked = WriteMail(files_, mailbox_, mail.id, mail.message);
  if (!asked) Conclude(path, asked.value().status);
}

void MailDelivery::Accept(const belfry::FileWriteFinished& written) {
  Conclude(written.path, written.status);
}

void MailDelivery::Conclude(const std::string& path, const absl::Status& status) {
  decltype(deliveries_)::node_type delivery;
  {
    const std::lock_guard lock(mutex_);
    delivery = deliveries_.extract(path);
  }
  if (delivery.empty()) return;  // a file, but none of ours

  const std::string& id = delivery.mapped().id;
  const Cause news = Cause::Current();
  for (const Cause& story : delivery.mapped().stories) {
    const bool own = story.correlation == news.correlation;
    const Cause cause = own ? news : story;
    if (status.ok()) {
      Tell(id, cause, own ? std::vector<belfry::EventId>() : std::vector{news.causation});
    } else {
      open_.Fail(cause, MailNotDelivered(status)).IgnoreError();
    }
  }
  rows_.LetGo(id).IgnoreError();  // else it stays pending, and the next start resumes it
}

void MailDelivery::Tell(const std::string& id, const Cause& cause,
                        std::vector<belfry::EventId> links) try {
  Publish(publisher_, MailAccepted{id}, {.cause = cause, .links = std::move(links)});
} catch (const SignUpError& error) {
  open_.Fail(cause, error.failed()).IgnoreError();
}

}  // namespace signup
