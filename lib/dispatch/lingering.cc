#include "dispatch/lingering.h"

#include <utility>

#include "dispatch/mailbox_listener.h"

namespace belfry {

Lingering::~Lingering() = default;

void Lingering::Add(const std::shared_ptr<MailboxListener>& listener) {
  const sync::Lock lock(mutex_);
  listener->lingers.next = std::exchange(first_, listener);
}

void Lingering::Remove(const MailboxListener& listener) {
  std::shared_ptr<MailboxListener> removed;  // goes under no lock
  const sync::Lock lock(mutex_);
  std::shared_ptr<MailboxListener>* link = &first_;
  while (link->get() != &listener) link = &(*link)->lingers.next;
  removed = std::move(*link);
  *link = std::move(removed->lingers.next);
}

std::shared_ptr<MailboxListener> Lingering::NextToTell() {
  const sync::Lock lock(mutex_);
  std::shared_ptr<MailboxListener> next = first_;
  while (next != nullptr && next->lingers.told) next = next->lingers.next;
  if (next != nullptr) next->lingers.told = true;
  return next;
}

std::uint64_t Lingering::Discard() {
  std::uint64_t given_up = 0;
  while (const auto listener = NextToTell()) given_up += listener->Discard();
  return given_up;
}

std::shared_ptr<MailboxListener> Lingering::NextAfter(const MailboxListener* listener) const {
  const sync::Lock lock(mutex_);
  if (listener == nullptr) return first_;
  std::shared_ptr<MailboxListener> at = first_;
  while (at != nullptr && at.get() != listener) at = at->lingers.next;
  return at == nullptr ? nullptr : at->lingers.next;
}

bool Lingering::empty() const {
  const sync::Lock lock(mutex_);
  return first_ == nullptr;
}

}  // namespace belfry
