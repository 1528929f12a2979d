#include "dispatch/queued_listener.h"

#include <algorithm>
#include <utility>

#include "dispatch/attempt.h"
#include "dispatch/topic.h"
#include "sync/spin.h"

namespace belfry {

using Outcome = DeliveryOutcome::Kind;

QueuedListener::QueuedListener(std::shared_ptr<DispatcherCore> core, Topic& topic,
                               const QueuedTraits& traits, CallableHandle callable)
    : ListenerWithQueue(topic),
      core_(std::move(core)),
      traits_(traits),
      lossy_(topic.of_library()),
      callable_(std::make_unique<Callable>(callable)) {
  takes_context = callable_->takes_context();
}

void QueuedListener::Begin(ListenerId id, std::string& name, Site site) {
  Name(id, name, site, {static_cast<Listener*>(this)});
  held_ = shared_from_this();
}

// --- Its place in the log ---

void QueuedListener::EnterLog(EventLog& log) {
  begin_ = log.tail();
  started_.store(begin_, std::memory_order_relaxed);
  page_ = log.Enter();
}

bool QueuedListener::LeaveLog(std::uint64_t tail, LogPage* last) {
  end_ = tail;
  end_page_ = last;
  return (state_.Set(QueuedState::kDetached) & QueuedState::kRunning) == 0;
}

void QueuedListener::MarkPosted() {
  state_.Set(QueuedState::kPosted);
  posted_ = shared_from_this();
}

Publication* QueuedListener::TakeOldest(EventLog& log, LogPage*& freed) {
  const std::uint64_t position = started();
  if (position == (detached() ? end_ : log.tail())) return nullptr;
  if (position >= page_->end()) {  // a position moves one by one
    LogPage* const left = page_;
    page_ = left->next.load(std::memory_order_acquire);
    if (log.Leave(*left)) left->spare_next = std::exchange(freed, left);
  }
  Publication* const oldest = PublicationIn(page_->At(position));
  started_.store(position + 1, std::memory_order_release);
  bytes_started_.store(bytes_started() + oldest->bytes(), std::memory_order_release);
  return oldest;
}

DeliveryCounts QueuedListener::CountsAt(std::uint64_t tail) const {
  const std::uint64_t started_now = started();
  std::uint64_t running = 0;
  Frame::ForEach([&](const Frame& frame) { running += frame.Calls(place()); });
  DeliveryCounts counts;
  counts.offered = tail - begin_;
  counts.queued = tail - started_now;
  counts.dead = failed_.load(std::memory_order_relaxed);
  counts.filtered = filtered_.load(std::memory_order_relaxed);
  counts.cancelled = cancelled_.load(std::memory_order_relaxed);
  counts.dropped = dropped_;
  if (state_.Is(QueuedState::kDetached | QueuedState::kDiscarding)) {
    // They will not be delivered any more, whoever comes to cancel them.
    counts.cancelled += std::exchange(counts.queued, 0);
  }
  const std::uint64_t ended =
      counts.queued + counts.dead + counts.filtered + counts.cancelled + counts.dropped;
  const std::uint64_t left = counts.offered - std::min(counts.offered, ended);
  counts.running = std::min(running, left);
  counts.handled = left - counts.running;
  return counts;
}

DeliveryCounts QueuedListener::counts() const { return topic().queued_listeners().counts(*this); }

std::optional<Nanoseconds> QueuedListener::patience() const {
  const bool waits = traits_.overflow.policy == Overflow::Policy::kBlock && !lossy_;
  return waits ? std::optional(traits_.overflow.patience) : std::nullopt;
}

bool QueuedListener::AwaitRoom(EventSize size, const Mail* /*mail*/, SteadyTime deadline) {
  return topic().queued_listeners().AwaitRoom(*this, size, deadline);
}

ListedListener QueuedListener::Listed() const {
  ListenerTraits traits = MarkedTraits();
  traits.queue = traits_.limit;
  traits.overflow = traits_.overflow.policy;
  return {
      {id(), std::string(name()), topic().type(), counts(), traits, state_.Is(QueuedState::kMuted)},
      place(),
      started()};
}

// --- Turns ---

// What comes in after a last look is left to whoever brings it: he begins a turn himself.
void QueuedListener::EndTurn() {
  for (;;) {
    if (replacing()) TakeNext();
    if (state_.Is(QueuedState::kDiscarding)) CancelUntil(topic().queued_listeners().tail());
    const std::uint32_t state = state_.Clear(QueuedState::kRunning);
    if ((state & QueuedState::kDetached) != 0) return End();
    const bool left =
        (state & QueuedState::kDiscarding) != 0 && started() != topic().queued_listeners().tail();
    if ((!left && (state & QueuedState::kReplacing) == 0) || !state_.BeginRunning()) return;
  }
}

// A turn on an executor: keeps the listener alive, and posts the next turn if something is left,
// even when a delivery unwinds the thread.
class QueuedListener::Turn {
 public:
  explicit Turn(QueuedListener& listener)
      : self_(std::move(listener.posted_)), mine_(listener.state_.BeginRunning()) {}
  ~Turn() {
    QueuedListener& listener = *self_;
    if (mine_) listener.EndTurn();
    if (listener.topic().queued_listeners().GoneIdle(listener)) return;
    listener.posted_ = std::move(self_);
    listener.PostTurn();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Not when it is detached, or being discarded.
  bool mine() const { return mine_; }

 private:
  std::shared_ptr<QueuedListener> self_;
  const bool mine_;
};

void QueuedListener::Run() {
  DeliveringScope delivering(*core_, *this);
  const Turn turn(*this);
  if (!turn.mine()) return;
  for (unsigned left = traits_.executor->deliveries_max(); left > 0;) {
    const unsigned delivered = DeliverRun(delivering.frame(), left);
    left -= delivered;
    if (delivered > 0) {
      // Where many come, many more will while it waits a little longer; else it shall not be late.
      linger_ =
          delivered > 4 ? std::min(2 * linger_, kLingerMax) : std::max(linger_ / 2, kLingerMin);
      continue;
    }
    if (!DeliverNext(delivering.frame())) break;
    --left;
  }
}

void QueuedListener::DeliverUntil(const Publication& publication) {
  if (!state_.BeginRunning()) return;
  struct Ending {
    ~Ending() {
      listener.EndTurn();
      listener.core_->TellQuiet();
    }
    QueuedListener& listener;
  };
  DeliveringScope delivering(*core_, *this);
  const Ending ending{*this};
  while (started() < publication.log_end && DeliverNext(delivering.frame())) {
  }
}

// --- Deliveries ---

// Null when it has not come, or the listener is to stop. Whoever took the listener out of the set
// said so before a later event, or a page for it, could be seen: so what is found, and not followed
// by a stop, is its own.
LogCell* QueuedListener::Next(std::uint64_t position) {
  LogPage* page = page_;
  if (position >= page->end()) page = page->next.load(std::memory_order_acquire);
  if (page == nullptr) return nullptr;
  LogCell& cell = page->At(position);
  if (cell.state.load(std::memory_order_acquire) == LogCell::kEmpty) return nullptr;
  return state_.Is(QueuedState::kDetached | QueuedState::kDiscarding) ? nullptr : &cell;
}

// Leaves the pages before the one of that position.
void QueuedListener::Move(std::uint64_t position) {
  if (position >= page_->end()) {  // a position moves one by one
    LogPage* const next = page_->next.load(std::memory_order_acquire);
    topic().queued_listeners().Leave(*page_);
    page_ = next;
  }
}

// Waits a moment for the next event rather than to be woken for it, if nobody else could use the
// thread meanwhile. Whether it came. Looking takes the cell's line away from the publisher, so it
// is done ever more seldom, unless the executor's threads are not to sleep at all.
bool QueuedListener::Linger(std::uint64_t position) {
  if (traits_.executor == nullptr) return false;
  for (unsigned pauses = linger_; pauses <= kLingerMax; pauses *= 2) {
    if (traits_.executor->patience() == Nanoseconds::zero()) return false;
    sync::Pause(pauses);
    if (Next(position) != nullptr) return true;
  }
  constexpr Nanoseconds kMoment = std::chrono::microseconds(10);  // about what that took
  return traits_.executor->patience() > kMoment && LingerLong(position);
}

// The same for as long as the executor's threads would look for work, and nobody wants anything
// else of this one.
bool QueuedListener::LingerLong(std::uint64_t position) {
  sync::SpinFor(traits_.executor->patience(), [&] {
    return Next(position) != nullptr ||
           state_.word() != (QueuedState::kPosted | QueuedState::kRunning) ||
           core_->quiet_awaited() || traits_.executor->patience() == Nanoseconds::zero();
  });
  return Next(position) != nullptr;
}

// Delivers events of bytes until something else is to be done; returns how many.
unsigned QueuedListener::DeliverRun(Frame& frame, unsigned max) {
  const std::uint64_t position = started_.load(std::memory_order_relaxed);
  if (lossy_ || !callable_->calls_each() || Next(position) == nullptr) return 0;
  Move(position);
  QueuedRun(*this, frame, *page_, position, max).Deliver();
  return static_cast<unsigned>(started_.load(std::memory_order_relaxed) - position);
}

// One event, or whatever else is to be done; false when there is nothing.
bool QueuedListener::DeliverNext(Frame& frame) {
  if (replacing()) TakeNext();
  if (lossy_) return DeliverLossy(frame);
  const std::uint64_t position = started_.load(std::memory_order_relaxed);
  LogCell* const cell = Next(position);
  if (cell == nullptr) return Linger(position);
  Move(position);
  if (cell->state.load(std::memory_order_relaxed) != LogCell::kPublication) {
    return DeliverBytes(frame, *cell, position);
  }
  Publication& publication = *PublicationIn(*cell);
  bytes_started_.store(bytes_started() + publication.bytes(), std::memory_order_relaxed);
  started_.store(position + 1, std::memory_order_release);
  topic().queued_listeners().RoomMade();
  return DeliverPublication(frame, publication);
}

bool QueuedListener::DeliverBytes(Frame& frame, LogCell& cell, std::uint64_t position) {
  started_.store(position + 1, std::memory_order_release);
  topic().queued_listeners().RoomMade();
  if (state_.Is(QueuedState::kMuted)) return PassOver(nullptr);
  OnlyAttempt only{[this](Outcome outcome) { Count(outcome); }};
  Attempt attempt(*core_, *this, frame, nullptr, only);
  frame.envelope().Begin(frame, cell.bytes(), page_->CauseOf(position), cell.sequence);
  attempt.Call(*callable_, cell.bytes());
  return true;
}

bool QueuedListener::DeliverPublication(Frame& frame, Publication& publication) {
  if (state_.Is(QueuedState::kMuted)) return PassOver(&publication);
  OnlyAttempt only{[this](Outcome outcome) { Count(outcome); }};
  Attempt attempt(*core_, *this, frame, &publication, only);
  attempt.Call(*callable_, publication.envelope().event());
  return true;
}

bool QueuedListener::DeliverLossy(Frame& frame) {
  if (state_.Is(QueuedState::kDetached | QueuedState::kDiscarding)) return false;
  Publication* const publication = topic().queued_listeners().TakeOldest(*this);
  return publication != nullptr && DeliverPublication(frame, *publication);
}

bool QueuedListener::PassOver(Publication* publication) {
  CountFiltered();
  if (publication != nullptr) publication->Ended(*this, Outcome::kFiltered, kMuted);
  return true;
}

void QueuedListener::Count(Outcome outcome) {
  if (outcome == Outcome::kFailed) CountFailed();
  if (outcome == Outcome::kFiltered) CountFiltered();
}

}  // namespace belfry
