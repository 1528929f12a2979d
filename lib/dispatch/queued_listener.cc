#include "dispatch/queued_listener.h"

#include <cxxabi.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "belfry/check.h"
#include "belfry/context.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/frame_scope.h"
#include "dispatch/lazy_envelope.h"
#include "dispatch/publication.h"
#include "dispatch/topic.h"
#include "dispatch/wait_graph.h"

namespace belfry {

QueuedListener::QueuedListener(std::shared_ptr<DispatcherCore> core, Topic& topic,
                               const QueuedTraits& traits, CallableHandle callable)
    : Listener(topic),
      core_(std::move(core)),
      traits_(traits),
      lossy_(topic.of_library()),
      callable_(callable) {}

void QueuedListener::Begin(ListenerId id, std::string& name, Site site) {
  Name(id, name, site, {static_cast<Listener*>(this), static_cast<Listener*>(this)});
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
  return (state_.fetch_or(kDetached, std::memory_order_seq_cst) & kRunning) == 0;
}

void QueuedListener::MarkPosted() {
  state_.fetch_or(kPosted, std::memory_order_seq_cst);
  posted_ = shared_from_this();
}

Publication* QueuedListener::TakeOldest(EventLog& log, LogPage*& freed) {
  const std::uint64_t position = started();
  if (position == (detached() ? end_ : log.tail())) return nullptr;
  while (position >= page_->end()) {
    LogPage* const left = page_;
    page_ = left->next.load(std::memory_order_acquire);
    if (log.Leave(*left)) left->spare_next = std::exchange(freed, left);
  }
  Publication* const oldest = page_->At(position).publication();
  started_.store(position + 1, std::memory_order_release);
  bytes_started_.store(bytes_started() + oldest->bytes(), std::memory_order_release);
  return oldest;
}

DeliveryCounts QueuedListener::CountsAt(std::uint64_t tail) const {
  const std::uint64_t started_now = started();
  std::uint64_t running = 0;
  Frame::ForEach([&](const Frame& frame) { running += frame.Is(place()); });
  DeliveryCounts counts;
  counts.offered = tail - begin_;
  counts.queued = tail - started_now;
  counts.dead = failed_.load(std::memory_order_relaxed);
  counts.cancelled = cancelled_.load(std::memory_order_relaxed);
  counts.dropped = dropped_;
  if ((state_.load(std::memory_order_relaxed) & (kDetached | kDiscarding)) != 0) {
    // They will not be delivered any more, whoever comes to cancel them.
    counts.cancelled += std::exchange(counts.queued, 0);
  }
  const std::uint64_t ended = counts.queued + counts.dead + counts.cancelled + counts.dropped;
  const std::uint64_t left = counts.offered - std::min(counts.offered, ended);
  counts.running = std::min(running, left);
  counts.handled = left - counts.running;
  return counts;
}

DeliveryCounts QueuedListener::counts() const { return topic().queued_listeners().counts(*this); }

// --- Turns ---

bool QueuedListener::BeginTurn() {
  std::uint32_t state = state_.load(std::memory_order_seq_cst);
  do {
    if ((state & (kDetached | kRunning)) != 0) return false;
  } while (!state_.compare_exchange_weak(state, state | kRunning, std::memory_order_seq_cst));
  return true;
}

// What comes in after a last look is left to whoever brings it: he begins a turn himself.
void QueuedListener::EndTurn() {
  for (;;) {
    const std::uint32_t before = state_.load(std::memory_order_seq_cst);
    if ((before & kDiscarding) != 0) CancelUntil(topic().queued_listeners().tail());
    const std::uint32_t state = state_.fetch_and(~kRunning, std::memory_order_seq_cst);
    if ((state & kDetached) != 0) return End();
    const bool left = started() != topic().queued_listeners().tail();
    if ((state & kDiscarding) == 0 || !left || !BeginTurn()) return;
  }
}

// A turn on an executor: keeps the listener alive, and posts the next turn if something is left,
// even when a delivery unwinds the thread.
class QueuedListener::Turn {
 public:
  explicit Turn(QueuedListener& listener)
      : self_(std::move(listener.posted_)), mine_(listener.BeginTurn()) {}
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
  Frame* const frame = Frame::Next();
  BELFRY_CHECK(frame != nullptr, "there is no memory for a delivery inside another one");
  const FrameScope scope(*frame, *core_, static_cast<Listener*>(this));
  const Turn turn(*this);
  if (!turn.mine()) return;
  frame->delivering = this;
  frame->topic = &topic();
  LazyEnvelope lazy(*frame);
  for (unsigned i = 0; i < kTurnMax && DeliverNext(*frame, lazy); ++i) {
  }
}

void QueuedListener::DeliverUntil(std::uint64_t position) {
  if (!BeginTurn()) return;
  struct Ending {
    ~Ending() {
      listener.EndTurn();
      listener.core_->TellQuiet();
    }
    QueuedListener& listener;
  };
  Frame* const frame = Frame::Next();
  BELFRY_CHECK(frame != nullptr, "there is no memory for a delivery inside another one");
  const FrameScope scope(*frame, *core_, static_cast<Listener*>(this));
  const Ending ending{*this};
  frame->delivering = this;
  frame->topic = &topic();
  LazyEnvelope lazy(*frame);
  while (started() <= position && DeliverNext(*frame, lazy)) {
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
  const std::uint32_t state = state_.load(std::memory_order_seq_cst);
  return (state & (kDetached | kDiscarding)) != 0 ? nullptr : &cell;
}

// Leaves the pages before the one of that position.
void QueuedListener::Move(std::uint64_t position) {
  while (position >= page_->end()) {
    LogPage* const next = page_->next.load(std::memory_order_acquire);
    topic().queued_listeners().Leave(*page_);
    page_ = next;
  }
}

// Waits a moment for the next event rather than to be woken for it, if nobody else could use the
// thread meanwhile. Whether it came.
bool QueuedListener::Linger(std::uint64_t position) {
  constexpr int kLooks = 32;
  if (traits_.executor == nullptr) return false;
  for (int i = 0; i < kLooks && traits_.executor->nothing_waits(); ++i) {
    sync::Pause();
    if (Next(position) != nullptr) return true;
  }
  return false;
}

// One event's, from its start to its end, which comes even when it unwinds the thread.
class QueuedListener::Attempt {
 public:
  Attempt(QueuedListener& listener, Frame& frame, Publication* publication)
      : listener_(listener), frame_(frame), publication_(publication) {
    frame_.SetCurrent(static_cast<Listener*>(&listener));
  }
  ~Attempt() {
    if (!handled) listener_.failed_.fetch_add(1, std::memory_order_relaxed);
    frame_.SetCurrent(nullptr);
    frame_.made = nullptr;  // what still happens in this turn has no event for a cause
    frame_.lazy = nullptr;
    if (publication_ != nullptr) publication_->Release();
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  bool handled = false;

 private:
  QueuedListener& listener_;
  Frame& frame_;
  Publication* const publication_;
};

// False when there is nothing to deliver.
bool QueuedListener::DeliverNext(Frame& frame, LazyEnvelope& lazy) {
  if (lossy_) return DeliverLossy(frame);
  const std::uint64_t position = started_.load(std::memory_order_relaxed);
  LogCell* cell = Next(position);
  if (cell == nullptr) {
    if (!Linger(position)) return false;
    cell = Next(position);
    if (cell == nullptr) return false;
  }
  Move(position);
  const std::uint64_t state = cell->state.load(std::memory_order_relaxed);
  if (state == LogCell::kPublication) {
    Publication& publication = *cell->publication();
    bytes_started_.store(bytes_started() + publication.bytes(), std::memory_order_relaxed);
    started_.store(position + 1, std::memory_order_release);
    topic().queued_listeners().RoomMade();
    return DeliverPublication(frame, publication);
  }
  started_.store(position + 1, std::memory_order_release);
  topic().queued_listeners().RoomMade();
  Attempt attempt(*this, frame, nullptr);
  lazy.Begin(cell->bytes(), state == LogCell::kValue ? nullptr : &page_->CauseAt(position),
             &cell->sequence);
  frame.made = nullptr;
  frame.lazy = &lazy;
  attempt.handled = Call(frame, cell->bytes(), nullptr);
  return true;
}

bool QueuedListener::DeliverPublication(Frame& frame, Publication& publication) {
  Attempt attempt(*this, frame, &publication);
  frame.made = &publication.envelope();
  Context context(core_->dispatcher(), publication.envelope(), *this);
  attempt.handled = Call(frame, publication.envelope().event(), &context);
  return true;
}

bool QueuedListener::DeliverLossy(Frame& frame) {
  const std::uint32_t state = state_.load(std::memory_order_seq_cst);
  if ((state & (kDetached | kDiscarding)) != 0) return false;
  Publication* const publication = topic().queued_listeners().TakeOldest(*this);
  return publication != nullptr && DeliverPublication(frame, *publication);
}

// The one place where what leaves a queued listener is caught. Whether it handled the event.
bool QueuedListener::Call(Frame& frame, const void* event, Context* context) {
  try {
    const Failure failure = callable_.Call(event, context);
    if (failure == nullptr) return true;
    core_->TellFailure(*this, frame.envelope(), *failure);
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being cancelled: swallowing that would abort
  } catch (const std::exception& exception) {
    core_->TellFailure(*this, frame.envelope(), exception.what());
  } catch (...) {
    core_->TellFailure(*this, frame.envelope(), "an exception that is not a std::exception");
  }
  return false;
}

// --- The end ---

// By the one who is running: gives up the events before that position.
void QueuedListener::CancelUntil(std::uint64_t end) {
  QueuedListeners& listeners = topic().queued_listeners();
  while (lossy_ && started() < end) {
    Publication* const publication = listeners.TakeOldest(*this);
    if (publication == nullptr) break;
    cancelled_.fetch_add(1, std::memory_order_relaxed);
    publication->Release();
  }
  for (std::uint64_t position = started(); position < end; position = started()) {
    Move(position);
    LogCell& cell = page_->At(position);
    // Who has claimed it needs a few instructions more.
    while (cell.state.load(std::memory_order_acquire) == LogCell::kEmpty) sync::Yield();
    Publication* const publication =
        cell.state.load(std::memory_order_relaxed) == LogCell::kPublication ? cell.publication()
                                                                            : nullptr;
    started_.store(position + 1, std::memory_order_release);
    cancelled_.fetch_add(1, std::memory_order_relaxed);
    if (publication != nullptr) {
      bytes_started_.store(bytes_started() + publication->bytes(), std::memory_order_release);
      publication->Release();
    }
  }
  listeners.RoomMade();
}

// By the one who is alone with a detached listener: nobody begins a turn any more.
void QueuedListener::End() {
  QueuedListeners& listeners = topic().queued_listeners();
  CancelUntil(end_);
  for (bool last = false; !last;) {
    LogPage* const page = page_;
    last = page == end_page_;
    page_ = page->next.load(std::memory_order_acquire);
    listeners.Leave(*page);
  }
  {
    const DestructionScope scope(*core_, *this);
    callable_.Destroy();
  }
  listeners.Gone(*this);
}

void QueuedListener::DetachNow() {
  if (topic().queued_listeners().Remove(*this)) End();
}

void QueuedListener::Detach() {
  const std::shared_ptr<QueuedListener> held = std::move(held_);
  if (!core_->forked()) DetachNow();  // else: locks may be held by threads that do not exist here
}

ResetResult QueuedListener::Reset() {
  const std::shared_ptr<QueuedListener> held = std::move(held_);
  if (core_->forked()) return ResetResult::kDone;
  DetachNow();
  QueuedListeners& listeners = topic().queued_listeners();
  if (listeners.IsGone(*this)) return ResetResult::kDone;
  return AwaitEnd(*this, [&] { listeners.AwaitGone(*this); });
}

std::uint64_t QueuedListener::Discard() {
  const std::uint32_t before = state_.fetch_or(kDiscarding, std::memory_order_seq_cst);
  const std::uint64_t count = topic().queued_listeners().tail() - started();
  if (BeginTurn()) {  // else who is running does it
    EndTurn();
    core_->TellQuiet();
  }
  return (before & (kDiscarding | kDetached)) != 0 ? 0 : count;
}

}  // namespace belfry
