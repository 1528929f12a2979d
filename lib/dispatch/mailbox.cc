#include "dispatch/mailbox.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace belfry {
namespace {

// Chains of what may be replaced are short up to four times as many events.
constexpr std::size_t kAlikeMax = 1024;

}  // namespace

Mailbox::Mailbox(const MailboxRules& rules)
    : rules_(rules), strands_(rules.strands == 0 ? 0 : std::bit_ceil(rules.strands)) {
  if (rules.policy == Overflow::Policy::kCoalesce) {
    alike_.resize(std::bit_ceil(std::min(rules.limit.events_max, kAlikeMax)));
  }
}

// Keys are often numbers in a row, or multiples of one: a multiplication spreads them, in its upper
// bits (Knuth, The Art of Computer Programming, volume 3, 6.4: Fibonacci hashing).
std::size_t Mailbox::Slot(std::uint64_t key, std::size_t slots) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  return static_cast<std::size_t>(key * kGolden >> 32) & (slots - 1);
}

// --- Coming ---

Mail* Mailbox::FindAlike(const Mail& mail) const {
  if (alike_.empty()) return nullptr;
  Mail* found = alike_[Slot(mail.same.number, alike_.size())];
  while (found != nullptr && !(found->same == mail.same && found->key == mail.key)) {
    found = found->next_alike;
  }
  return found;
}

// Who is to replace one that is queued may come when there is no room for more events: either one
// with its key is still there then, or the last one has left a place, which nobody else may reserve
// before.
Mailbox::Room Mailbox::RoomFor(const Mail& mail) const {
  if (mail.bytes > rules_.limit.bytes_max) return Room::kNever;
  const Mail* const alike = FindAlike(mail);
  const std::size_t events_max = rules_.limit.events_max;
  // Where the one that is replaced keeps its place once it has started, one may be too many.
  const bool replaces = alike != nullptr && (!rules_.retries || places_ <= events_max);
  const bool fits_in_number = replaces || places_ < events_max;
  const std::size_t bytes = bytes_ - (alike == nullptr ? 0 : alike->bytes);
  const bool fits = fits_in_number && bytes <= rules_.limit.bytes_max - mail.bytes;
  return fits ? Room::kYes : Room::kNo;
}

bool Mailbox::FitsWithoutQueued(const Mail& mail) const {
  const std::size_t bytes_max = rules_.limit.bytes_max;
  return mail.bytes <= bytes_max && places_ - queued_ < rules_.limit.events_max &&
         bytes_ - queued_bytes_ <= bytes_max - mail.bytes;
}

void Mailbox::Reserve(const Mail& mail) {
  ++places_;
  bytes_ += mail.bytes;
}

void Mailbox::GiveBack(const Mail& mail) { Free(mail); }

void Mailbox::Free(const Mail& mail) {
  --places_;
  bytes_ -= mail.bytes;
}

bool Mailbox::Put(Mail& mail) {
  if (Mail* const alike = FindAlike(mail)) {
    if (mail.yields) {
      Free(mail);
      return false;
    }
    queued_bytes_ += mail.bytes - alike->bytes;
    std::swap(alike->publication, mail.publication);
    std::swap(alike->face, mail.face);
    std::swap(alike->bytes, mail.bytes);
    std::swap(alike->since, mail.since);
    std::swap(alike->attempts, mail.attempts);
    Free(mail);
    return false;
  }
  Enqueue(mail);
  Enlist(mail);
  return true;
}

bool Mailbox::PutFirst(Mail& mail) {
  Reserve(mail);
  LinkedList<Mail, &Mail::by_age> later;
  const bool replaced = FindAlike(mail) != nullptr;
  while (Mail* const oldest = replaced ? nullptr : TakeOldest()) {
    later.PushBack(*oldest);
    Reserve(*oldest);
  }
  mail.yields = true;
  const bool queued = Put(mail);
  while (Mail* const next = later.PopFront()) Put(*next);
  return queued;
}

void Mailbox::Enqueue(Mail& mail) {
  ++queued_;
  queued_bytes_ += mail.bytes;
  queue_.PushBack(mail);
  if (!alike_.empty()) mail.next_alike = std::exchange(AlikeOf(mail), &mail);
}

void Mailbox::Enlist(Mail& mail) {
  if (!strands_.empty()) {
    Strand& strand = StrandOf(mail);
    if (std::exchange(strand.busy, true)) return strand.waiting.PushBack(mail);
  }
  ready_[LaneOf(mail)].PushBack(mail);
}

// --- Going ---

void Mailbox::Dequeue(Mail& mail) {
  queue_.Remove(mail);
  --queued_;
  queued_bytes_ -= mail.bytes;
  if (alike_.empty()) return;
  Mail** link = &AlikeOf(mail);
  while (*link != &mail) link = &(*link)->next_alike;
  *link = std::exchange(mail.next_alike, nullptr);
}

void Mailbox::NextInStrand(const Mail& mail) {
  if (strands_.empty()) return;
  Strand& strand = StrandOf(mail);
  if (Mail* const next = strand.waiting.PopFront()) {
    ready_[LaneOf(*next)].PushBack(*next);
  } else {
    strand.busy = false;
  }
}

// The most urgent one that has something, unless the first of another one has waited for too long.
std::size_t Mailbox::NextLane() const {
  if (rules_.starvation_max == 0) return 0;
  std::size_t next = 0;
  while (next < kLanes - 1 && ready_[next].empty()) ++next;
  for (std::size_t lane = next + 1; lane < kLanes; ++lane) {
    if (!ready_[lane].empty() && overtaken_[lane] >= rules_.starvation_max) return lane;
  }
  return next;
}

Mail* Mailbox::Start() {
  const std::size_t lane = NextLane();
  Mail* const mail = ready_[lane].PopFront();
  if (mail == nullptr) return nullptr;
  overtaken_[lane] = 0;
  for (std::size_t lower = lane + 1; lower < kLanes; ++lower) {
    overtaken_[lower] += ready_[lower].empty() ? 0 : 1;
  }
  Dequeue(*mail);
  if (!rules_.retries) Free(*mail);
  ++running_;
  return mail;
}

void Mailbox::End(Mail& mail) {
  --running_;
  if (rules_.retries) Free(mail);
  NextInStrand(mail);
}

void Mailbox::Park(Mail& mail) {
  --running_;
  ++parked_count_;
  parked_.PushBack(mail);
  if (!rules_.ordered) NextInStrand(mail);
}

// Out of those that are parked, for good.
void Mailbox::Leave(Mail& mail) {
  --parked_count_;
  parked_.Remove(mail);
  Free(mail);
  if (rules_.ordered) NextInStrand(mail);
}

bool Mailbox::Unpark(Mail& mail) {
  if (FindAlike(mail) != nullptr) {
    Leave(mail);
    return false;
  }
  --parked_count_;
  parked_.Remove(mail);
  Enqueue(mail);
  if (rules_.ordered) {
    ready_[LaneOf(mail)].PushBack(mail);
  } else {
    Enlist(mail);
  }
  return true;
}

Mail* Mailbox::TakeParked() {
  Mail* const mail = parked_.first();
  if (mail != nullptr) Leave(*mail);
  return mail;
}

Mail* Mailbox::TakeOldest() {
  Mail* const mail = queue_.first();
  if (mail == nullptr) return nullptr;
  Dequeue(*mail);
  Free(*mail);
  // The oldest of its strand is ready, or waits first behind one that runs.
  if (!strands_.empty() && StrandOf(*mail).waiting.first() == mail) {
    StrandOf(*mail).waiting.Remove(*mail);
  } else {
    const std::size_t lane = LaneOf(*mail);
    if (ready_[lane].first() == mail) overtaken_[lane] = 0;
    ready_[lane].Remove(*mail);
    NextInStrand(*mail);
  }
  return mail;
}

}  // namespace belfry
