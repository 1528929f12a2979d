#include "signup/mail_delivery.h"

#include <utility>

namespace signup {

using belfry::Context;

absl::Status MailDelivery::Deliver(const WelcomeRendered& mail, Context& context) {
  const std::string name = "welcome." + mail.id;
  const std::string path = mailbox_.NewPath(name);
  {
    const std::lock_guard lock(mutex_);
    Delivery& delivery = deliveries_[path];
    delivery.id = mail.id;
    delivery.stories.push_back(context.envelope().AsCause());
    if (delivery.stories.size() > 1) return absl::OkStatus();
  }
  // Also for a row that this sign-up has made itself: another one for the same address may have
  // overtaken it from there.
  const absl::StatusOr<bool> there = mailbox_.Has(name);
  if (!there.ok() || *there) return Conclude(path, there.status(), context);
  if (files_.Write(path, mail.message, {.temporary = mailbox_.TmpPath(name), .durable = true})) {
    return absl::OkStatus();
  }
  return Conclude(path, absl::ResourceExhaustedError("no more files can be written now"), context);
}

absl::Status MailDelivery::Accept(const belfry::FileWriteFinished& written, Context& context) {
  return Conclude(written.path, written.status, context);
}

absl::Status MailDelivery::Conclude(const std::string& path, const absl::Status& status,
                                    Context& context) {
  decltype(deliveries_)::node_type delivery;
  {
    const std::lock_guard lock(mutex_);
    delivery = deliveries_.extract(path);
  }
  if (delivery.empty()) return absl::OkStatus();  // a file, but none of ours

  absl::Status result;
  const belfry::Envelope& news = context.envelope();
  for (const belfry::Cause& story : delivery.mapped().stories) {
    const bool own = story.correlation == news.correlation_id();
    const belfry::Cause cause = own ? news.AsCause() : story;
    if (!status.ok()) {
      result.Update(
          open_.Fail(cause, {SignUpFailed::Kind::kUnavailable,
                             "the welcome mail could not be delivered", status.ToString()}));
      continue;
    }
    belfry::PublishOptions options{.cause = cause};
    if (!own) options.links.push_back(news.id());
    result.Update(open_.Publish(context, MailAccepted{delivery.mapped().id}, std::move(options)));
  }
  return result;
}

}  // namespace signup
