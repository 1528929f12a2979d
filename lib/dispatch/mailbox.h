// The queue of one listener that is more than a position in its type's log: in which order its
// events may start, and which of them goes when there is no room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_key.h"
#include "belfry/lane.h"
#include "belfry/listener_options.h"
#include "belfry/stats.h"
#include "belfry/timer_queue.h"
#include "dispatch/linked_list.h"
#include "dispatch/suspension.h"

namespace belfry {

class Publication;
struct MailboxFace;

// One event in one mailbox, from before it is accepted until its delivery has ended.
struct Mail {
  Publication* publication = nullptr;
  MailboxFace* face = nullptr;  // of its event's type
  std::size_t bytes = 0;
  Lane lane = Lane::kNormal;
  std::uint64_t key = 0;     // of what it must stay in order with
  KeyValue same;             // of what replaces it while it is queued
  bool unkeyed = false;      // its key could not be told: its delivery has failed
  std::string failure{};     // and why
  unsigned attempts = 0;     // so far
  std::uint64_t ticket = 0;  // while it is parked: which time that is
  TimerId timer{};           // and what is to end it, once that is known
  bool first = false;        // it comes before what is queued, and takes no place that is needed
  bool yields = false;       // to a queued one that could be replaced by it
  SteadyTime since{};        // when it came, if it may expire
  std::unique_ptr<Suspension> suspension{};  // where deliveries may be suspended

  Links<Mail> by_age;
  Links<Mail> in_turn;
  Mail* next_alike = nullptr;
};

// What a mailbox goes by.
struct MailboxRules {
  QueueLimit limit{};
  Overflow::Policy policy = Overflow::Policy::kBlock;
  std::size_t strands = 0;      // 0: events need not stay in order once they have started
  bool retries = false;         // what has started keeps its place until it has ended
  bool ordered = false;         // what is parked holds its strand
  unsigned starvation_max = 0;  // how many of higher lanes may start before one; 0: no lanes
};

// A first in, first out queue for each strand. A strand is all keys that have one hash; without
// keys, each event is one. What is first in its strand may start when the one before has ended.
//
// Thread safety: none; its listener's mutex. Runs no code of users and never allocates once made.
class Mailbox {
 public:
  explicit Mailbox(const MailboxRules& rules);

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
  // The same before all that is queued, without a reservation, while nothing has started.
  bool PutFirst(Mail& mail);

  // --- Going ---
  // The next to start; null when none may.
  Mail* Start();
  // A delivery that was started has ended.
  void End(Mail& mail);
  // It is to be started again, later.
  void Park(Mail& mail);
  // Now, behind what is queued, unless another event has taken its place meanwhile: false then, and
  // it is out of it.
  bool Unpark(Mail& mail);
  // Some parked one, out of it; null when none is.
  Mail* TakeParked();
  // The oldest one that is queued, out of it; null when none is.
  Mail* TakeOldest();

  const Mail* next() const { return ready_[NextLane()].first(); }
  bool ready() const { return next() != nullptr; }
  std::uint64_t queued() const { return queued_; }
  std::uint64_t running() const { return running_; }
  bool idle() const { return queued_ + running_ + parked_count_ == 0; }

 private:
  struct Strand {
    bool busy = false;  // one of it is ready, or running
    LinkedList<Mail, &Mail::in_turn> waiting{};
  };

  Strand& StrandOf(const Mail& mail) { return strands_[Slot(mail.key, strands_.size())]; }
  static std::size_t Slot(std::uint64_t key, std::size_t slots);
  Mail*& AlikeOf(const Mail& mail) { return alike_[Slot(mail.same.number, alike_.size())]; }
  std::size_t LaneOf(const Mail& mail) const {
    return rules_.starvation_max == 0 ? 0 : static_cast<std::size_t>(mail.lane);
  }
  std::size_t NextLane() const;
  Mail* FindAlike(const Mail& mail) const;
  void Enlist(Mail& mail);
  void Enqueue(Mail& mail);
  void Dequeue(Mail& mail);
  void Free(const Mail& mail);
  void NextInStrand(const Mail& mail);
  void Leave(Mail& mail);

  const MailboxRules rules_;
  std::vector<Strand> strands_;
  std::vector<Mail*> alike_;  // chains of those that are queued; empty when nothing is replaced
  LinkedList<Mail, &Mail::by_age> queue_;
  LinkedList<Mail, &Mail::by_age> parked_;
  // The most urgent lane first; without lanes, all in that one.
  static constexpr std::size_t kLanes = 3;
  std::array<LinkedList<Mail, &Mail::in_turn>, kLanes> ready_;
  std::array<unsigned, kLanes> overtaken_{};  // the first of each, so often
  std::uint64_t queued_ = 0;
  std::uint64_t running_ = 0;
  std::uint64_t parked_count_ = 0;
  std::size_t queued_bytes_ = 0;
  // Taken by those queued, those to come, and those that keep theirs.
  std::uint64_t places_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace belfry
