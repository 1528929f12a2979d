// The queue of one listener that is more than a position in its type's log: in which order its
// events may start, and which of them goes when there is no room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "belfry/event_key.h"
#include "belfry/listener_options.h"
#include "belfry/stats.h"
#include "dispatch/linked_list.h"

namespace belfry {

class Publication;

// One event in one mailbox, from before it is accepted until its delivery has ended.
struct Mail {
  Publication* publication = nullptr;
  std::size_t bytes = 0;
  std::uint64_t key = 0;  // of what it must stay in order with
  KeyValue same;          // of what replaces it while it is queued
  bool unkeyed = false;   // its key could not be told: its delivery has failed
  std::string failure{};  // and why

  Links<Mail> by_age;
  Links<Mail> in_turn;
  Mail* next_alike = nullptr;
};

// A first in, first out queue for each strand. A strand is all keys that have one hash; without
// keys, each event is one. What is first in its strand may start when the one before has ended.
//
// Thread safety: none; its listener's mutex. Runs no code of users and never allocates once made.
class Mailbox {
 public:
  // `strands`: how many; 0 when events need not stay in order once they have started.
  Mailbox(const QueueLimit& limit, Overflow::Policy policy, std::size_t strands);

  // --- Coming ---
  enum class Room { kYes, kNo, kNever };
  // For what the mail would need; kYes also where it is to replace one that is queued.
  Room RoomFor(const Mail& mail) const;
  // Whether there would be if nothing were queued.
  bool FitsWithoutQueued(const Mail& mail) const;
  void Reserve(const Mail& mail);
  void GiveBack(const Mail& mail);
  // Fills what was reserved. Whether `mail` is queued; if not, its event has taken the place of
  // another one, which `mail` has now.
  bool Put(Mail& mail);

  // --- Going ---
  // The next to start; null when none may.
  Mail* Start();
  // A delivery that was started has ended.
  void End(Mail& mail);
  // The oldest one that is queued, out of it; null when none is.
  Mail* TakeOldest();

  const Mail* next() const { return ready_.first(); }
  bool ready() const { return !ready_.empty(); }
  std::uint64_t queued() const { return queued_; }
  std::uint64_t running() const { return running_; }

 private:
  struct Strand {
    bool busy = false;  // one of it is ready, or running
    LinkedList<Mail, &Mail::in_turn> waiting{};
  };

  Strand& StrandOf(const Mail& mail) { return strands_[Slot(mail.key, strands_.size())]; }
  static std::size_t Slot(std::uint64_t key, std::size_t slots);
  Mail*& AlikeOf(const Mail& mail) { return alike_[Slot(mail.same.number, alike_.size())]; }
  Mail* FindAlike(const Mail& mail) const;
  void Enlist(Mail& mail);
  void Delist(Mail& mail);
  void NextInStrand(const Mail& mail);

  const QueueLimit limit_;
  std::vector<Strand> strands_;
  std::vector<Mail*> alike_;  // chains of those that are queued; empty when nothing is replaced
  LinkedList<Mail, &Mail::by_age> queue_;
  LinkedList<Mail, &Mail::in_turn> ready_;
  std::uint64_t queued_ = 0;
  std::uint64_t running_ = 0;
  std::uint64_t reserved_ = 0;
  std::size_t bytes_ = 0;  // of those queued, and those to come
  std::size_t reserved_bytes_ = 0;
};

}  // namespace belfry
