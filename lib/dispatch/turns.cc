#include "dispatch/turns.h"

#include <utility>

#include "dispatch/topic.h"

namespace belfry {

Turns::Holder::Holder(Turns& turns, std::optional<SteadyTime> deadline)
    : turns_(turns), outermost_(turns.Enter(deadline)) {}

Turns::Holder::~Holder() {
  if (outermost_) turns_.Leave();
}

bool Turns::Enter(std::optional<SteadyTime> deadline) {
  const sync::Thread::id self = std::this_thread::get_id();
  const sync::Lock lock(mutex_);
  if (holder_ == self) return false;
  while (holder_ != sync::Thread::id()) {
    if (!deadline.has_value()) {
      free_.Wait(mutex_);
    } else if (!free_.WaitUntil(mutex_, *deadline)) {
      return false;
    }
  }
  holder_ = self;
  return true;
}

void Turns::Leave() {
  const sync::Lock lock(mutex_);
  holder_ = sync::Thread::id();
  free_.NotifyAll();
}

void Turns::Push(Publication& publication) {
  publication.turn = ++turns_;
  if (tail_ == nullptr) {
    head_ = &publication;
  } else {
    tail_->next_turn = &publication;
  }
  tail_ = &publication;
}

Publication* Turns::Pop() {
  Publication* const first = head_;
  if (first == nullptr) return nullptr;
  head_ = first->next_turn;
  if (head_ == nullptr) tail_ = nullptr;
  return first;
}

void Turns::PushDue(std::shared_ptr<MailboxListener> listener) {
  if (std::exchange(listener->due.listed, true)) return;
  MailboxListener* const last = listener.get();
  (due_ == nullptr ? due_ : last_due_->due.next) = std::move(listener);
  last_due_ = last;
}

void Turns::PopDue() {
  due_->due.listed = false;
  due_ = std::exchange(due_->due.next, nullptr);
}

void Turns::RunAll() {
  while (head_ != nullptr || due_ != nullptr) {
    if (head_ == nullptr) {
      const bool again = due_->DeliverDue(turns_);
      const std::shared_ptr<MailboxListener> listener = due_;
      PopDue();
      if (again) PushDue(listener);
      continue;
    }
    // It stays the first until all have got it: a delivery may unwind the thread.
    TurnCursor cursor;
    while (const auto listener = head_->topic->Next(cursor)) listener->DeliverUntil(*head_);
    Pop()->Release();
  }
}

void Turns::Clear() {
  const Holder turn(*this);
  while (Publication* const publication = Pop()) publication->Release();
  while (due_ != nullptr) PopDue();
}

}  // namespace belfry
