// Where a dispatcher keeps what its listeners have failed on for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "belfry/dead_letters.h"
#include "belfry/overflow.h"
#include "dispatch/rate_limit.h"
#include "sync/sync.h"

namespace belfry {

class MailboxListener;
class Publication;

// A letter, and what it takes to deliver it again.
struct KeptLetter {
  DeadLetter letter;
  std::weak_ptr<MailboxListener> listener;
  Publication* publication;  // the letter's event keeps it
};
using SharedLetter = std::shared_ptr<const KeptLetter>;

// Bounded: the oldest go first. No user code or allocator runs under its mutex.
//
// Thread safety: any thread.
class DeadLetterBox {
 public:
  explicit DeadLetterBox(const QueueLimit& limit) : limit_(limit) {}

  // Numbers it. Returns how many had to go for it, itself included where it is too large. Throws
  // std::bad_alloc.
  std::size_t Keep(KeptLetter kept);
  std::vector<DeadLetter> List() const;
  std::size_t size() const;
  bool Discard(std::uint64_t number);
  std::size_t Clear();
  // At the end: it stays empty.
  void Close();

  RateLimit& losses_told() { return losses_told_; }

 private:
  using Letters = std::map<std::uint64_t, SharedLetter>;

 public:
  // A letter out of the box, if it was there. It goes back at the end unless it was delivered.
  class Taken {
   public:
    Taken(DeadLetterBox& box, std::uint64_t number);
    ~Taken();
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

    explicit operator bool() const { return !node_.empty(); }
    const SharedLetter& letter() const { return node_.mapped(); }
    void Delivered() { delivered_ = true; }

   private:
    DeadLetterBox& box_;
    Letters::node_type node_;
    bool delivered_ = false;
  };

 private:
  Letters::node_type Remove(Letters::iterator found) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const QueueLimit limit_;
  RateLimit losses_told_;
  mutable sync::Mutex mutex_;
  Letters letters_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace belfry
