// The bounded queue of one listener: the seam behind which its fast form will come.
#pragma once

#include <cstddef>

#include "belfry/listener_options.h"
#include "dispatch/publication.h"

namespace belfry {

// A first in, first out list of deliveries with a limit in events and bytes. A place is reserved
// first and filled later, so that an event enters all its queues or none. Never allocates.
//
// Thread safety: none; its listener's mutex.
class Mailbox {
 public:
  explicit Mailbox(QueueLimit limit) : limit_(limit) {}

  bool empty() const { return head_ == nullptr; }
  const Delivery* front() const { return head_; }
  std::size_t size() const { return size_; }

  bool EverFits(std::size_t bytes) const {
    return limit_.events_max > 0 && bytes <= limit_.bytes_max;
  }
  bool HasRoom(std::size_t bytes) const {
    return events_ < limit_.events_max && bytes <= limit_.bytes_max - bytes_;
  }

  void Reserve(std::size_t bytes) {
    ++events_;
    bytes_ += bytes;
  }
  void GiveUp(std::size_t bytes) {
    --events_;
    bytes_ -= bytes;
  }

  // Fills a place that was reserved.
  void Push(Delivery& delivery) {
    delivery.next = nullptr;
    if (tail_ == nullptr) {
      head_ = &delivery;
    } else {
      tail_->next = &delivery;
    }
    tail_ = &delivery;
    ++size_;
  }

  // The oldest delivery, whose place is free then; null when empty.
  Delivery* Pop() {
    Delivery* const first = head_;
    if (first == nullptr) return nullptr;
    head_ = first->next;
    if (head_ == nullptr) tail_ = nullptr;
    first->next = nullptr;
    --size_;
    GiveUp(first->publication->bytes());
    return first;
  }

  // Everything, as a list linked by `next`.
  Delivery* TakeAll() {
    Delivery* const first = head_;
    for (const Delivery* d = first; d != nullptr; d = d->next) GiveUp(d->publication->bytes());
    head_ = tail_ = nullptr;
    size_ = 0;
    return first;
  }

 private:
  const QueueLimit limit_;
  Delivery* head_ = nullptr;
  Delivery* tail_ = nullptr;
  std::size_t size_ = 0;
  std::size_t events_ = 0;  // reserved or queued
  std::size_t bytes_ = 0;
};

}  // namespace belfry
