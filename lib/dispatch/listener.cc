#include "dispatch/listener.h"

#include <cxxabi.h>

#include <exception>
#include <utility>

#include "belfry/context.h"
#include "dispatch/dispatcher_core.h"

namespace belfry {

Listener::Listener(std::shared_ptr<DispatcherCore> core, ListenerTraits traits, QueueLimit limit,
                   std::unique_ptr<ListenerBody> body)
    : core_(std::move(core)),
      traits_(std::move(traits)),
      takes_context_(body->takes_context()),
      mailbox_(limit),
      body_(std::move(body)) {}

Listener::~Listener() = default;

// --- A place in the queue ---

Listener::Room Listener::Reserve(std::size_t bytes) {
  const Delivery* dropped = nullptr;
  Room room = Room::kReserved;
  {
    const sync::Lock lock(mutex_);
    if (detached_ || discarding_) {  // Commit will cancel it: there is room for that
      mailbox_.Reserve(bytes);
      return Room::kReserved;
    }
    if (!mailbox_.EverFits(bytes)) return Room::kNeverFits;
    if (!mailbox_.HasRoom(bytes) && traits_.of_library_event) {
      dropped = mailbox_.Pop();
      if (dropped != nullptr) ++counts_.dropped;
    }
    if (mailbox_.HasRoom(bytes)) {
      mailbox_.Reserve(bytes);
    } else {
      room = Room::kFull;
    }
  }
  if (dropped != nullptr) core_->ReleaseQueued(*dropped->publication);
  return room;
}

void Listener::GiveUpRoom(std::size_t bytes) {
  const sync::Lock lock(mutex_);
  mailbox_.GiveUp(bytes);
  if (waiting_for_room_ > 0) room_made_.NotifyAll();
}

bool Listener::AwaitRoom(std::size_t bytes, SteadyTime deadline) {
  const sync::Lock lock(mutex_);
  // Counted also when the waiting thread is cancelled.
  struct Waiting {
    explicit Waiting(std::uint64_t& n) : count(n) { ++count; }
    ~Waiting() { --count; }
    std::uint64_t& count;
  };
  const Waiting waiting(waiting_for_room_);
  bool in_time = true;
  while (in_time && !mailbox_.HasRoom(bytes) && !detached_ && !discarding_) {
    in_time = room_made_.WaitUntil(mutex_, deadline);
  }
  return in_time;
}

// --- Deliveries ---

Listener::Committed Listener::Commit(Delivery& delivery) {
  const sync::Lock lock(mutex_);
  if (detached_ || discarding_) {
    mailbox_.GiveUp(delivery.publication->bytes());
    if (detached_) return Committed::kDetached;
    ++counts_.offered;
    ++counts_.cancelled;
    return Committed::kDiscarded;
  }
  ++counts_.offered;
  mailbox_.Push(delivery);
  if (turn_posted_ || traits_.executor == nullptr) return Committed::kBusy;
  turn_posted_ = true;
  posted_self_ = shared_from_this();
  return Committed::kIdle;
}

void Listener::PostTurn() { traits_.executor->Post(*this); }

// A turn on an executor: keeps the listener alive, and posts the next turn if something is left,
// even when a delivery unwinds the thread.
class Listener::Turn {
 public:
  explicit Turn(Listener& listener) {
    const sync::Lock lock(listener.mutex_);
    self_ = std::move(listener.posted_self_);
  }
  ~Turn() {
    Listener& listener = *self_;
    {
      const sync::Lock lock(listener.mutex_);
      if (listener.mailbox_.empty()) {
        listener.turn_posted_ = false;
        return;
      }
      listener.posted_self_ = self_;
    }
    listener.PostTurn();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::shared_ptr<Listener> self_;
};

void Listener::Run() {
  const Turn turn(*this);
  for (int i = 0; i < kTurnMax && DeliverNext(); ++i) {
  }
}

// One delivery from its start to its end, which comes even when it unwinds the thread.
class Listener::Attempt {
 public:
  Attempt(Listener& listener, Frame& frame) : listener_(listener), frame_(frame) {}
  ~Attempt() {
    listener_.End(frame_, handled);
    if (publication != nullptr) listener_.core_->ReleaseQueued(*publication);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  bool handled = false;
  Publication* publication = nullptr;  // a queued delivery's

 private:
  Listener& listener_;
  Frame& frame_;
};

bool Listener::DeliverNext(const Delivery* only) {
  Frame frame(*core_, *this);
  Delivery* delivery = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (mailbox_.empty() || (only != nullptr && mailbox_.front() != only)) return false;
    delivery = mailbox_.Pop();
    if (waiting_for_room_ > 0) room_made_.NotifyAll();
    ++counts_.running;
    Enter(frame);
  }
  Attempt attempt(*this, frame);
  attempt.publication = delivery->publication;
  attempt.handled = Deliver(delivery->publication->envelope());
  return true;
}

bool Listener::DeliverInline(const Envelope& envelope) {
  Frame frame(*core_, *this);
  {
    const sync::Lock lock(mutex_);
    if (detached_) return false;
    ++counts_.offered;
    ++counts_.running;
    Enter(frame);
  }
  Attempt attempt(*this, frame);
  attempt.handled = Deliver(envelope);
  return true;
}

// The one place where what leaves a listener is caught. Whether it handled the event.
bool Listener::Deliver(const Envelope& envelope) {
  const CauseScope cause(envelope);
  Context context(core_->dispatcher(), envelope, traits_.id, traits_.name);
  try {
    const Failure failure = body_->Call(envelope.event(), context);
    if (failure == nullptr) return true;
    core_->TellFailure(*this, envelope, *failure);
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being cancelled: swallowing that would abort
  } catch (const std::exception& exception) {
    core_->TellFailure(*this, envelope, exception.what());
  } catch (...) {
    core_->TellFailure(*this, envelope, "an exception that is not a std::exception");
  }
  return false;
}

void Listener::Enter(Frame& frame) {
  frame.number = ++last_frame_number_;
  frame.next_of_listener = std::exchange(frames_, &frame);
}

void Listener::Leave(Frame& frame) {
  Frame** link = &frames_;
  while (*link != &frame) link = &(*link)->next_of_listener;
  *link = frame.next_of_listener;
}

void Listener::End(Frame& frame, bool handled) {
  {
    const sync::Lock lock(mutex_);
    --counts_.running;
    ++(handled ? counts_.handled : counts_.dead);
    const bool last = frames_ == &frame && frame.next_of_listener == nullptr;
    if (!detached_ || !last) {
      Leave(frame);
      return;
    }
  }
  Vanish(frame);
}

// --- The end ---

// By the one who is alone inside a detached listener: nobody enters any more.
void Listener::Vanish(Frame& frame) {
  body_.reset();
  core_->Remove(*this);
  const sync::Lock lock(mutex_);
  Leave(frame);
  gone_ = true;
  ended_.NotifyAll();
}

void Listener::Detach() {
  if (core_->forked()) return;  // locks may be held by threads that do not exist here
  Frame frame(*core_, *this);
  Delivery* cancelled = nullptr;
  bool alone = false;
  {
    const sync::Lock lock(mutex_);
    if (detached_) return;
    detached_ = true;
    counts_.cancelled += mailbox_.size();
    cancelled = mailbox_.TakeAll();
    room_made_.NotifyAll();
    alone = frames_ == nullptr;
    if (alone) Enter(frame);
  }
  core_->ReleaseCancelled(cancelled);
  if (alone) Vanish(frame);
}

ResetResult Listener::Reset() {
  if (core_->forked()) return ResetResult::kDone;
  Detach();
  {
    const sync::Lock lock(mutex_);
    if (gone_) return ResetResult::kDone;
  }
  if (Frame::Inside(*this)) return ResetResult::kDeferred;
  const WaitForListener waiting(*this);
  if (waiting.would_deadlock()) return ResetResult::kWouldDeadlock;
  const BlockingScope blocking;
  const sync::Lock lock(mutex_);
  while (!gone_) ended_.Wait(mutex_);
  return ResetResult::kDone;
}

std::uint64_t Listener::Discard() {
  Delivery* cancelled = nullptr;
  {
    const sync::Lock lock(mutex_);
    discarding_ = true;
    counts_.cancelled += mailbox_.size();
    cancelled = mailbox_.TakeAll();
    room_made_.NotifyAll();
  }
  return core_->ReleaseCancelled(cancelled);
}

// --- What others may know ---

DeliveryCounts Listener::counts() const {
  const sync::Lock lock(mutex_);
  DeliveryCounts counts = counts_;
  counts.queued = mailbox_.size();
  return counts;
}

bool Listener::detached() const {
  const sync::Lock lock(mutex_);
  return detached_;
}

std::optional<Listener::Runner> Listener::NextRunner(std::uint64_t after) const {
  const sync::Lock lock(mutex_);
  const Frame* next = nullptr;
  for (const Frame* frame = frames_; frame != nullptr; frame = frame->next_of_listener) {
    if (frame->number > after && (next == nullptr || frame->number < next->number)) next = frame;
  }
  if (next == nullptr) return std::nullopt;
  const ThreadRecord& thread = next->thread();
  return Runner{next->number, &thread, thread.thread_id,
                thread.waiting_for.load(std::memory_order_relaxed)};
}

}  // namespace belfry
