#include "dispatch/queued_listener.h"

#include <cxxabi.h>

#include <exception>
#include <utility>

#include "belfry/check.h"
#include "belfry/context.h"
#include "dispatch/dispatcher_core.h"
#include "dispatch/topic.h"

namespace belfry {

QueuedListener::QueuedListener(std::shared_ptr<DispatcherCore> core, Topic& topic,
                               const QueuedTraits& traits, CallableHandle callable)
    : Listener(topic),
      core_(std::move(core)),
      traits_(traits),
      of_library_event_(topic.of_library()),
      mailbox_(traits.limit),
      callable_(callable) {}

QueuedListener::~QueuedListener() = default;

void QueuedListener::Begin(ListenerId id, std::string& name, Site site) {
  Name(id, name, site, {static_cast<Listener*>(this), nullptr});
  held_ = shared_from_this();
}

// --- A place in the queue ---

QueuedListener::Room QueuedListener::Reserve(std::size_t bytes) {
  const Delivery* dropped = nullptr;
  Room room = Room::kReserved;
  {
    const sync::Lock lock(mutex_);
    if (detached_ || discarding_) {  // Commit will cancel it: there is room for that
      mailbox_.Reserve(bytes);
      return Room::kReserved;
    }
    if (!mailbox_.EverFits(bytes)) return Room::kNeverFits;
    if (!mailbox_.HasRoom(bytes) && of_library_event_) {
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

void QueuedListener::GiveUpRoom(std::size_t bytes) {
  const sync::Lock lock(mutex_);
  mailbox_.GiveUp(bytes);
  if (waiting_for_room_ > 0) room_made_.NotifyAll();
}

bool QueuedListener::AwaitRoom(std::size_t bytes, SteadyTime deadline) {
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

QueuedListener::Committed QueuedListener::Commit(Delivery& delivery) {
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
  posted_ = shared_from_this();
  return Committed::kIdle;
}

void QueuedListener::PostTurn() { traits_.executor->Post(*this); }

// A turn on an executor: keeps the listener alive, and posts the next turn if something is left,
// even when a delivery unwinds the thread.
class QueuedListener::Turn {
 public:
  explicit Turn(QueuedListener& listener) {
    const sync::Lock lock(listener.mutex_);
    self_ = std::move(listener.posted_);
  }
  ~Turn() {
    QueuedListener& listener = *self_;
    {
      const sync::Lock lock(listener.mutex_);
      if (listener.mailbox_.empty()) {
        listener.turn_posted_ = false;
        return;
      }
      listener.posted_ = self_;
    }
    listener.PostTurn();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::shared_ptr<QueuedListener> self_;
};

void QueuedListener::Run() {
  const Turn turn(*this);
  for (int i = 0; i < kTurnMax && DeliverNext(); ++i) {
  }
}

// One delivery from its start to its end, which comes even when it unwinds the thread.
class QueuedListener::Attempt {
 public:
  Attempt(QueuedListener& listener, Publication& publication)
      : listener_(listener), publication_(publication) {}
  ~Attempt() {
    listener_.Leave(handled);
    listener_.core_->ReleaseQueued(publication_);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  bool handled = false;

 private:
  QueuedListener& listener_;
  Publication& publication_;
};

bool QueuedListener::DeliverNext(const Delivery* only) {
  Frame* const frame = Frame::Next();
  BELFRY_CHECK(frame != nullptr, "there is no memory for a delivery inside another one");
  const FrameScope scope(*frame, *core_, static_cast<Listener*>(this));
  Delivery* delivery = nullptr;
  {
    const sync::Lock lock(mutex_);
    if (mailbox_.empty() || (only != nullptr && mailbox_.front() != only)) return false;
    delivery = mailbox_.Pop();
    if (waiting_for_room_ > 0) room_made_.NotifyAll();
    ++counts_.running;
    ++inside_;
  }
  Publication& publication = *delivery->publication;
  frame->made = &publication.envelope();
  frame->delivering = this;
  Attempt attempt(*this, publication);
  attempt.handled = Deliver(publication.envelope());
  return true;
}

// The one place where what leaves a queued listener is caught. Whether it handled the event.
bool QueuedListener::Deliver(const Envelope& envelope) {
  Context context(core_->dispatcher(), envelope, *this);
  try {
    const Failure failure = callable_.Call(envelope.event(), context);
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

void QueuedListener::Leave(bool handled) {
  {
    const sync::Lock lock(mutex_);
    --counts_.running;
    ++(handled ? counts_.handled : counts_.dead);
    if (!detached_ || inside_ != 1) {
      --inside_;
      return;
    }
  }
  Vanish();
}

// --- The end ---

// By the one who is alone inside a detached listener: nobody enters any more.
void QueuedListener::Vanish() {
  {
    const DestructionScope scope(*core_, *this);
    callable_.Destroy();
  }
  topic().Remove(*this);
  const sync::Lock lock(mutex_);
  --inside_;
  gone_ = true;
  ended_.NotifyAll();
}

void QueuedListener::DetachNow() {
  Delivery* cancelled = nullptr;
  bool alone = false;
  {
    const sync::Lock lock(mutex_);
    if (detached_) return;
    detached_ = true;
    counts_.cancelled += mailbox_.size();
    cancelled = mailbox_.TakeAll();
    room_made_.NotifyAll();
    alone = inside_ == 0;
    if (alone) ++inside_;
  }
  core_->ReleaseCancelled(cancelled);
  if (alone) Vanish();
}

void QueuedListener::Detach() {
  const std::shared_ptr<QueuedListener> held = std::move(held_);
  DetachNow();
}

ResetResult QueuedListener::Reset() {
  const std::shared_ptr<QueuedListener> held = std::move(held_);
  DetachNow();
  {
    const sync::Lock lock(mutex_);
    if (gone_) return ResetResult::kDone;
  }
  return AwaitEnd([this] {
    const sync::Lock lock(mutex_);
    while (!gone_) ended_.Wait(mutex_);
  });
}

std::uint64_t QueuedListener::Discard() {
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

DeliveryCounts QueuedListener::counts() const {
  const sync::Lock lock(mutex_);
  DeliveryCounts counts = counts_;
  counts.queued = mailbox_.size();
  return counts;
}

bool QueuedListener::detached() const {
  const sync::Lock lock(mutex_);
  return detached_;
}

}  // namespace belfry
