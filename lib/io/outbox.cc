#include "io/outbox.h"

namespace belfry {

Outbox::~Outbox() {
  if (retry_) loop_.Cancel(retry_);
}

void Outbox::Flush() {
  while (!waiting_.empty()) {
    Waiting& next = *waiting_.front();
    if (!Try([&] { return next.Publish(dispatcher_); })) {
      RetryLater();
      return;
    }
    waiting_.pop_front();
    backoff_.Reset();
  }
  owner_.OutboxEmptied();
}

void Outbox::RetryLater() {
  retry_ = loop_.RunAfter(backoff_.Next(), [this, owner = owner_.weak_from_this()] {
    const std::shared_ptr<OutboxOwner> alive = owner.lock();
    if (alive == nullptr) return;
    retry_ = TimerId{};
    Flush();
  });
}

}  // namespace belfry
