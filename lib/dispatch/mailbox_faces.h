// What a mailbox has to do with each of the event types that come into it.
#pragma once

#include <memory>
#include <utility>

#include "belfry/stats.h"

namespace belfry {

class Topic;

// One type of them, and what became of its events.
struct MailboxFace {
  explicit MailboxFace(Topic& t) : topic(&t) {}
  Topic* const topic;
  DeliveryCounts counts{};  // its listener's mutex
  bool listed = false;      // as a guest of the topic: of the directory's Watch and Unwatch
  MailboxFace* next = nullptr;
};

// All of them: one for most listeners. They come, and stay.
//
// Thread safety: the listener's mutex. Allocates nothing.
class MailboxFaces {
 public:
  MailboxFaces() = default;
  ~MailboxFaces() {
    while (first_ != nullptr) delete std::exchange(first_, first_->next);
  }
  MailboxFaces(const MailboxFaces&) = delete;
  MailboxFaces& operator=(const MailboxFaces&) = delete;

  MailboxFace* Add(std::unique_ptr<MailboxFace> face) {
    face->next = first_;
    return first_ = face.release();
  }
  // Null when there is none.
  MailboxFace* Find(const Topic& topic) const {
    MailboxFace* face = first_;
    while (face != nullptr && face->topic != &topic) face = face->next;
    return face;
  }
  MailboxFace* first() const { return first_; }

 private:
  MailboxFace* first_ = nullptr;
};

}  // namespace belfry
