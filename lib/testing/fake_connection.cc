#include "testing/fake_connection.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "belfry/timers.h"

namespace belfry::testing {
namespace {

constexpr Nanoseconds kStalledMax = std::chrono::seconds(30);  // as of ConnectionOptions

}  // namespace

FakeConnection::FakeConnection(std::weak_ptr<FakeLoop> loop, ConnectionId id, std::string peer)
    : loop_(std::move(loop)), id_(id), peer_(std::move(peer)) {
  if (const auto alive = loop_.lock()) opened_ = alive->world.dispatcher().NewEventId();
}

OperationId FakeConnection::Later(const std::string& what, std::optional<Nanoseconds> latency,
                                  std::function<void()> work) {
  const auto loop = loop_.lock();
  if (loop == nullptr) return {};
  auto step = [self = shared_from_this(), work = std::move(work)] { work(); };
  return latency ? loop->world.FinishLater(what, *latency, std::move(step))
                 : loop->world.FinishLater(what, std::move(step));
}

void FakeConnection::Cancel(OperationId& operation) {
  const OperationId cancelled = std::exchange(operation, OperationId{});
  if (const auto loop = loop_.lock()) loop->world.Cancel(cancelled);
}

// --- What the peer does ---

void FakeConnection::Open() { Add({.kind = Arrival::Kind::kOpening}); }
void FakeConnection::Arrives(std::string data) {
  if (!data.empty()) Add({.kind = Arrival::Kind::kData, .data = std::move(data)});
}
void FakeConnection::End() { Add({.kind = Arrival::Kind::kEnd}); }
void FakeConnection::Break(int error) { Add({.kind = Arrival::Kind::kError, .error = error}); }

void FakeConnection::ReadOn() {
  peer_reads_ = true;
  const std::size_t bytes = unsent_.size();
  if (bytes == 0) return;
  sending_.push_back(Later(peer_ + " reads on", std::nullopt, [this, bytes] { Sent(bytes); }));
}

void FakeConnection::Add(Arrival arrival) {
  if (state_ == State::kFinished) return;
  arrivals_.push_back(std::move(arrival));
  Pump();
}

bool FakeConnection::WantsToRead() const {
  if (state_ == State::kLingering) return true;
  return state_ == State::kOpen && !peer_ended_ && !paused_ && outbox_.empty();
}

bool FakeConnection::broken() const {
  return std::any_of(arrivals_.begin(), arrivals_.end(),
                     [](const Arrival& arrival) { return arrival.kind == Arrival::Kind::kError; });
}

// Who does not read is told of nothing but an error.
bool FakeConnection::HasArrived() const {
  if (arrivals_.empty() || state_ == State::kFinished) return false;
  return state_ == State::kComing || WantsToRead() || broken();
}

void FakeConnection::Pump() {
  if (arriving_ || !HasArrived()) return;
  arriving_ = Later("something of " + peer_, std::nullopt, [this] {
    arriving_ = OperationId{};
    if (HasArrived()) TakeArrival();
    Pump();
  });
}

void FakeConnection::TakeArrival() {
  if (state_ != State::kComing && !WantsToRead()) {  // what came before is lost
    while (arrivals_.front().kind != Arrival::Kind::kError) arrivals_.pop_front();
  }
  const Arrival arrival = std::move(arrivals_.front());
  arrivals_.pop_front();
  const bool lingers = state_ == State::kLingering;
  switch (arrival.kind) {
    case Arrival::Kind::kOpening:
      state_ = State::kOpen;
      Publish(ConnectionOpened{id_, peer_}, {.cause = Cause{}, .id = opened_});
      break;
    case Arrival::Kind::kData:
      if (lingers) break;
      Publish(DataReceived{id_, arrival.data}, {.cause = Cause{}, .links = {opened_}});
      break;
    case Arrival::Kind::kEnd:
      OnEnd();
      break;
    case Arrival::Kind::kError:
      lingers ? Finish(close_why_, 0) : Finish(Why::kError, arrival.error);
      break;
  }
}

// The peer sends no more, but it may still read.
void FakeConnection::OnEnd() {
  peer_ended_ = true;
  if (state_ == State::kLingering) {
    Finish(close_why_, 0);
  } else if (unsent_.empty()) {
    Finish(Why::kPeer, 0);
  } else {
    WatchProgress();
  }
}

// --- What the program does ---

void FakeConnection::Write(std::string_view data, int error) {
  const auto loop = loop_.lock();
  if (loop == nullptr || state_ != State::kOpen || write_ended_ || data.empty()) return;
  if (unsent_.size() > loop->write_buffer_max) return Finish(Why::kNotRead, 0);
  if (error != 0) return Finish(Why::kError, error);
  const bool first = unsent_.empty();
  const std::size_t bytes = data.size();
  unsent_ += data;
  if (!peer_reads_) {
    if (first) WatchProgress();
    return;
  }
  if (first && !loop->latency) return Sent(bytes);
  sending_.push_back(
      Later(std::to_string(bytes) + " bytes to " + peer_, loop->latency, [this, bytes] {
        if (peer_reads_) Sent(bytes);
      }));
}

void FakeConnection::Sent(std::size_t bytes) {
  if (state_ == State::kFinished) return;
  bytes = std::min(bytes, unsent_.size());
  written_.append(unsent_, 0, bytes);
  unsent_.erase(0, bytes);
  if (!unsent_.empty()) return;
  StopTimer();
  if (state_ == State::kClosing) {
    Linger();
  } else if (peer_ended_) {
    Finish(Why::kPeer, 0);
  } else if (write_ended_) {
    End();  // it was told
  }
}

void FakeConnection::EndWriting() {
  if (state_ != State::kOpen || std::exchange(write_ended_, true)) return;
  if (unsent_.empty()) End();
}

void FakeConnection::Defer(std::function<void()> work) {
  Later("deferred work of " + peer_, std::nullopt, [this, work = std::move(work)] {
    if (state_ != State::kFinished) work();
  });
}

void FakeConnection::Close(Why why) {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  close_why_ = why;
  unsent_.empty() ? Linger() : WatchProgress();
}

void FakeConnection::Linger() {
  StopTimer();
  if (peer_ended_) return Finish(close_why_, 0);
  state_ = State::kLingering;
  End();  // it was told
}

void FakeConnection::WatchProgress() {
  const auto loop = loop_.lock();
  if (loop == nullptr) return;
  StopTimer();
  timer_ = loop->world.timers().RunAfter(
      kStalledMax, [weak = weak_from_this(), before = written_.size()] {
        const auto self = weak.lock();
        if (self == nullptr || self->loop_.expired()) return;
        self->timer_ = TimerId{};
        self->written_.size() == before ? self->Finish(Why::kNotRead, 0) : self->WatchProgress();
      });
}

void FakeConnection::StopTimer() {
  const auto loop = loop_.lock();
  if (loop != nullptr && timer_) loop->world.timers().Cancel(std::exchange(timer_, TimerId{}));
}

void FakeConnection::ResumeReading() {
  paused_ = false;
  Pump();
}

void FakeConnection::Finish(Why why, int error) {
  if (state_ == State::kFinished) return;
  const bool was_there = state_ != State::kComing;
  state_ = State::kFinished;
  StopTimer();
  Cancel(arriving_);
  arrivals_.clear();
  for (OperationId& sending : sending_) Cancel(sending);
  unsent_.clear();
  if (!was_there) return;
  ended_ = ConnectionClosed{id_, why, error};
  Publish(*ended_, {.cause = Cause{}, .links = {opened_}});
}

// --- Its events, in order ---

// An event that comes from inside another one of this connection waits until that one is over.
template <class E>
void FakeConnection::Publish(E event, const PublishOptions& options) {
  outbox_.push_back([event = std::move(event), options](Dispatcher& dispatcher) mutable {
    return dispatcher.Publish(std::move(event), options);
  });
  if (!flushing_ && !retrying_) Flush();
}

void FakeConnection::Flush() {
  const auto loop = loop_.lock();
  if (loop == nullptr) return;
  Dispatcher& dispatcher = loop->world.dispatcher();
  while (!outbox_.empty()) {
    PublishResult result;
    if (!dispatcher.closed()) {  // one that is gets nothing
      const AmbientScope from_outside{AmbientContext()};
      flushing_ = true;
      ++loop->publishing;
      result = outbox_.front()(dispatcher);
      --loop->publishing;
      flushing_ = false;
    }
    if (!result.ok() && MayBeAcceptedLater(result)) {
      retrying_ = Later("something of " + peer_, backoff_.Next(), [this] {
        retrying_ = OperationId{};
        Flush();
      });
      return;
    }
    outbox_.pop_front();
    backoff_.Reset();
  }
  Pump();
}

}  // namespace belfry::testing
