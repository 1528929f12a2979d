#include "dispatch/topic.h"

#include <string>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "event/registry.h"

namespace belfry {

Topic::Topic(DispatcherCore& core, EventType type, bool of_library)
    : core_(core),
      type_(type),
      of_library_(of_library),
      intercepted_(!of_library && core.interceptors().any_of_publishes()),
      observed_(core.options().observer != nullptr),
      site_count_(core.options().listeners_per_site_max),
      inline_(*this, mutex_),
      queued_(*this, mutex_),
      mailboxes_(*this, mutex_) {}

Topic::ListenerSet Topic::listeners() const {
  const sync::Lock lock(mutex_);
  const InlineSet inlined = inline_.set();
  return {inlined, !queued_.empty() || !mailboxes_.empty(), TakeContext(inlined),
          mailboxes_.current()};
}

// Whether there are some who may ask when the event was published.
bool Topic::TakeContext(const InlineSet& set) const {
  return set.takes_context() || queued_.any_takes_context() || mailboxes_.any_takes_context();
}

bool Topic::CommitInline(InlineSet& set, bool timed) {
  const sync::Lock lock(mutex_);
  set = inline_.set();
  if (!queued_.empty() || !mailboxes_.empty() || (!timed && TakeContext(set))) return false;
  inline_.roll().CountPass(set);
  if (set.listeners == 0) ++orphaned_;
  return true;
}

QueueRefusal Topic::Reserve(EventSize size, Postings& postings) {
  QueueRefusal refusal = queued_.Reserve(size);
  if (refusal.code != PublishResult::Code::kAccepted) return refusal;
  refusal = postings.Reserve();
  if (refusal.code != PublishResult::Code::kAccepted) queued_.GiveBack(size);
  return refusal;
}

Topic::Accepted Topic::Commit(Publication& publication, EventSize size, Postings& postings,
                              bool timed, SharedLetter& sticky) {
  for (;;) {
    if (const auto accepted = TryCommit(publication, size, postings, timed, sticky)) {
      return *accepted;
    }
    if (!timed) Publication::SetTime(publication.envelope(), core_.clock().WallNow());
    timed = true;
    postings.AdmitLate(mailboxes_.list(), publication);
  }
}

std::optional<Topic::Accepted> Topic::TryCommit(Publication& publication, EventSize size,
                                                Postings& postings, bool timed,
                                                SharedLetter& sticky) {
  const sync::Lock lock(mutex_);
  const InlineSet set = inline_.set();
  if (!timed && TakeContext(set)) return std::nullopt;
  if (!postings.IsFor(mailboxes_.current())) return std::nullopt;
  if (sticky != nullptr) sticky_.swap(sticky);
  const bool mailed = postings.Give(publication);
  if (mailed) ++mailed_;
  const bool counted = !queued_.empty();  // else they have all gone meanwhile
  const bool orphan = set.listeners == 0 && !counted && !mailed;
  if (set.listeners != 0 || !counted) inline_.roll().CountPass(set);
  if (set.listeners != 0 && counted) ++to_both_;
  if (orphan) ++orphaned_;
  publication.log_end = queued_.tail() + (counted ? 1 : 0);
  return Accepted{set, queued_.Commit(publication, size), orphan};
}

bool Topic::CommitAgain(Publication& publication, Postings& postings) {
  const sync::Lock lock(mutex_);
  if (!postings.Give(publication)) return false;
  ++mailed_;
  publication.log_end = queued_.tail();
  return true;
}

SharedLetter Topic::SwapSticky(SharedLetter sticky) {
  const sync::Lock lock(mutex_);
  sticky_.swap(sticky);
  return sticky;
}

void Topic::CountRefused() {
  const sync::Lock lock(mutex_);
  ++refused_;
}

bool Topic::ShortWayOpen() const {
  return !of_library_ && !watched() && core_.TakesShortWays() && inline_.set().listeners == 0 &&
         !queued_.any_takes_context() && mailboxes_.empty();
}

void Topic::QueuedChanged() {
  mutex_.AssertHeld();
  ++changes_;
  inline_.SetQueued(!queued_.empty() || !mailboxes_.empty());
}

void Topic::MailboxesChanged() {
  QueuedChanged();
  if (!queued_.empty()) queued_.UpdateShortWay();
}

void Topic::InlineChanged() {
  mutex_.AssertHeld();
  ++changes_;
  if (!queued_.empty()) queued_.UpdateShortWay();
}

std::uint64_t Topic::changes() const {
  mutex_.AssertHeld();
  return changes_;
}

bool Topic::ordered() const {
  mutex_.AssertHeld();
  return inline_.ordered() || turn_order_ != nullptr;
}

void Topic::SwapTurnOrder(std::shared_ptr<const TurnOrder>& order) {
  mutex_.AssertHeld();
  turn_order_.swap(order);
}

const SharedLetter& Topic::sticky() const {
  mutex_.AssertHeld();
  return sticky_;
}

// On a synchronous dispatcher they say who subscribed first, also of those for several types.
ListenerId Topic::NextListenerId() {
  mutex_.AssertHeld();
  const ListenerId many = core_.options().synchronous ? 1 : 64;
  if (next_listener_ == listeners_end_) {
    next_listener_ = ReserveListenerNumbers(many);
    listeners_end_ = next_listener_ + many;
  }
  return next_listener_++;
}

void Topic::Close() {
  const sync::Lock lock(mutex_);
  inline_.SetClosed();
  queued_.UpdateShortWay();
}

std::uint64_t Topic::DiscardAll() {
  std::uint64_t count = mailboxes_.lingering().Discard();
  ListenerId last = 0;
  while (const auto listener = NextAfter(last)) {
    last = listener->id();
    count += listener->Discard();
  }
  return count;
}

std::uint64_t Topic::queued_cancelled() const {
  const sync::Lock lock(mutex_);
  return queued_.cancelled() + mailboxes_.cancelled();
}

bool Topic::quiet() const { return queued_.quiet() && mailboxes_.quiet(); }

std::uint64_t Topic::queued_accepted() const {
  const sync::Lock lock(mutex_);
  return queued_.tail() + mailed_;
}

std::shared_ptr<ListenerWithQueue> Topic::NextAfter(ListenerId id) const {
  const std::shared_ptr<ListenerWithQueue> queued = queued_.NextAfter(id);
  const std::shared_ptr<ListenerWithQueue> mailbox = mailboxes_.NextAfter(id);
  if (queued == nullptr || mailbox == nullptr) return queued == nullptr ? mailbox : queued;
  return queued->id() < mailbox->id() ? queued : mailbox;
}

// Whoever has had the event already has nothing more to do with it, so nobody is left out when the
// order changes on the way, and nobody gets it twice.
std::shared_ptr<ListenerWithQueue> Topic::Next(TurnCursor& cursor) const {
  std::shared_ptr<const TurnOrder> order;
  {
    const sync::Lock lock(mutex_);
    order = turn_order_;
  }
  if (order != cursor.order) cursor = {std::move(order)};
  if (cursor.order == nullptr) {
    std::shared_ptr<ListenerWithQueue> next = NextAfter(cursor.last);
    if (next != nullptr) cursor.last = next->id();
    return next;
  }
  while (cursor.place < cursor.order->size()) {
    const ListenerId id = (*cursor.order)[cursor.place++];
    std::shared_ptr<ListenerWithQueue> next = NextAfter(id - 1);
    if (next != nullptr && next->id() == id) return next;  // else it has gone
  }
  // Those for several types have no order.
  std::shared_ptr<ListenerWithQueue> guest = mailboxes_.NextAfter(cursor.last, true);
  if (guest != nullptr) cursor.last = guest->id();
  return guest;
}

void Topic::AddTo(Stats& stats) const {
  for (ListedListener& listener : ListListeners()) {
    stats.listeners.push_back(std::move(listener.stats));
  }
  stats.types.push_back({type_});
  const sync::Lock lock(mutex_);
  const InlineRoll::Totals inlined = inline_.roll().totals();
  TypeStats& type = stats.types.back();
  type.published = inlined.passes + queued_.tail() - to_both_;
  type.refused = refused_;
  type.orphaned = orphaned_;
  type.deliveries = inlined.deliveries;
  type.deliveries += queued_.totals();
  type.deliveries += mailboxes_.totals();
}

std::vector<Site> Topic::Sites() const {
  std::vector<Site> sites;
  for (const auto& listener : queued_.List()) sites.push_back(listener->site());
  if (const auto mailboxes = mailboxes_.list()) {
    for (const auto& entry : *mailboxes) {
      const bool elsewhere = mailboxes_.IsGuest(entry);
      if (!elsewhere && !entry.listener->detached()) sites.push_back(entry.listener->site());
    }
  }
  std::size_t inlined = 0;
  {
    const sync::Lock lock(mutex_);
    inlined = inline_.roll().live();
  }
  sites.reserve(sites.size() + inlined);  // nothing is allocated under the mutex
  const sync::Lock lock(mutex_);
  inline_.roll().ForEach([&](const InlineListener& listener) {
    if (sites.size() < sites.capacity()) sites.push_back(listener.site());
  });
  return sites;
}

std::vector<ListedListener> Topic::ListListeners() const {
  std::vector<ListedListener> all = inline_.roll().List();
  for (const auto& listener : queued_.List()) {
    all.push_back(listener->Listed());
  }
  if (const auto mailboxes = mailboxes_.list()) {
    for (const auto& entry : *mailboxes) {
      const bool elsewhere = mailboxes_.IsGuest(entry);
      if (!elsewhere && !entry.listener->detached()) all.push_back(entry.listener->Listed());
    }
  }
  return all;
}

}  // namespace belfry
