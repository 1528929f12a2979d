#include "io/outbox.h"

#include <utility>

namespace belfry {

void Outbox::RetryLater() {
  retry_ = loop_.RunAfter(backoff_.Next(), [this] {
    retry_ = TimerId{};
    Flush();
  });
}

void Outbox::Flush() {
  const std::shared_ptr<void> alive = owner_->Alive();
  while (!waiting_.empty()) {
    PublishResult result;
    try {
      result = waiting_.front()->Publish(*this);
    } catch (...) {
      if (!stopped_) RetryLater();
      throw;
    }
    if (stopped_) return;
    if (!result.ok() && MayBeAcceptedLater(result)) return RetryLater();
    waiting_.pop_front();
    backoff_.Reset();
  }
  owner_->OutboxEmptied(*this);  // the last we know of it
}

void Outbox::Stop() {
  stopped_ = true;
  if (retry_) loop_.Cancel(std::exchange(retry_, TimerId{}));
}

}  // namespace belfry
