#include "dispatch/turns.h"

#include "dispatch/queued_listener.h"

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

void Turns::Push(Delivery& delivery) {
  if (tail_ == nullptr) {
    head_ = &delivery;
  } else {
    tail_->next_turn = &delivery;
  }
  tail_ = &delivery;
}

Delivery* Turns::Pop() {
  Delivery* const first = head_;
  if (first == nullptr) return nullptr;
  head_ = first->next_turn;
  if (head_ == nullptr) tail_ = nullptr;
  return first;
}

void Turns::RunAll() {
  while (Delivery* const delivery = Pop()) {
    // The reference that Push was given; released even when the delivery unwinds the thread.
    const PublicationReference held(*delivery->publication);
    delivery->listener->DeliverNext(delivery);
  }
}

void Turns::Clear() {
  while (const Delivery* const delivery = Pop()) delivery->publication->Release();
}

}  // namespace belfry
