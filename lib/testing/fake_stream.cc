#include "testing/fake_stream.h"

#include <utility>

#include "testing/fake_streams.h"

namespace belfry::testing {
namespace {

// As in lib/io.
constexpr int kReadsPerTurn = 4;
constexpr std::size_t kDirectFrom = std::size_t{16} << 10;

}  // namespace

FakeStream::FakeStream(FakeStreams& group, std::uint64_t number, std::shared_ptr<FakeLink> link,
                       HeldListener listener)
    : group_(group),
      number_(number),
      link_(std::move(link)),
      listener_(std::move(listener)),
      timer_(group.world().loop(), *this, [](FakeStream& self) { self.OnTime(); }),
      heard_(Now()),
      moved_(heard_) {
  link_->stream = this;
}

FakeStream::~FakeStream() { link_->stream = nullptr; }

// Calls `work` as a step.
OperationId FakeStream::InTurn(const std::string& what, void (FakeStream::*work)()) {
  return group_.world().FinishInTurn(what, [group = group_.shared_from_this(), link = link_, work] {
    if (link->stream != nullptr) (link->stream->*work)();
  });
}

void FakeStream::Cancel(OperationId& operation) {
  group_.world().Cancel(std::exchange(operation, OperationId{}));
}

// When a listener throws, what it has written is sent later.
template <class F>
void FakeStream::Tell(F call) {
  try {
    call();
  } catch (...) {
    if (unsent_.size() > 0 && !blocked_) TellLater();
    Pump();
    throw;
  }
}

// --- How it begins ---

void FakeStream::StartConnecting() { UpdateTimer(); }

void FakeStream::OpenAccepted() {
  accepted_ = true;
  Open();
}

void FakeStream::OpenLater() {
  state_ = State::kOpening;
  TellLater();
}

void FakeStream::SetAnswer(std::optional<int> error) {
  if (state_ != State::kConnecting) return;
  Cancel(writable_);
  if (!error) return;
  answer_ = *error;
  writable_ =
      InTurn(link_->name + (answer_ == 0 ? " answers" : " refuses"), &FakeStream::Connected);
}

void FakeStream::Connected() {
  Cancel(writable_);
  if (state_ != State::kConnecting) return;
  if (answer_ != 0) return Finish(Why::kError, answer_);
  Tell([this] { Open(); });
  Flush();
}

void FakeStream::Open() {
  state_ = State::kOpen;
  heard_ = moved_ = Now();
  Pump();
  UpdateTimer();
  listener_.get()->OnOpened(*this);
  if (closes_) CloseBecause(why_);
}

// --- What comes ---

bool FakeStream::WantsToRead() const {
  if (state_ == State::kLingering) return true;
  return state_ == State::kOpen && !peer_ended_ && !paused_ && !choked_;
}

// Who does not read is told of nothing but an error.
bool FakeStream::IsReadable() const {
  if (link_->arrivals.empty() || state_ < State::kOpen || state_ == State::kFinished) return false;
  return WantsToRead() || link_->arrivals.back().kind == FakeLink::Arrival::Kind::kError;
}

void FakeStream::Pump() {
  if (IsReadable() == static_cast<bool>(readable_)) return;
  if (readable_) {
    Cancel(readable_);
  } else {
    readable_ = InTurn("something of " + link_->name, &FakeStream::OnReadable);
  }
}

// What the turn begins with may have changed everything.
void FakeStream::OnReadable() {
  Cancel(readable_);
  if (!IsReadable()) return;
  Tell([this] {
    for (int i = 0; i < kReadsPerTurn && TakeArrival() && IsReadable(); ++i) {
    }
  });
  Flush();
  Pump();
}

// Whether there may be more at once: the buffer was filled.
bool FakeStream::TakeArrival() {
  using Kind = FakeLink::Arrival::Kind;
  if (!WantsToRead()) {  // there is an error, and what came before it is lost
    link_->arrivals.erase(link_->arrivals.begin(), link_->arrivals.end() - 1);
  }
  const FakeLink::Arrival& arrival = link_->arrivals.front();
  if (arrival.kind == Kind::kData) return ReadData();
  const int error = arrival.error;
  link_->arrivals.pop_front();
  if (error == 0) {
    PeerEnded();
  } else {
    state_ == State::kLingering ? Finish(why_, 0) : Finish(Why::kError, error);
  }
  return false;
}

bool FakeStream::ReadData() {
  heard_ = Now();
  std::string data = std::move(link_->arrivals.front().data);
  link_->arrivals.pop_front();
  const std::size_t size_max = group_.options().read_bytes_max;
  if (data.size() > size_max) {
    link_->arrivals.push_front({FakeLink::Arrival::Kind::kData, data.substr(size_max)});
    data.resize(size_max);
  }
  if (state_ == State::kOpen) listener_.get()->OnData(*this, data);  // else it is thrown away
  return data.size() == size_max;
}

void FakeStream::PeerEnded() {
  peer_ended_ = true;
  if (state_ == State::kLingering) return Finish(why_, 0);
  if (link_->told_end) return Finish(Why::kPeer, 0);
  listener_.get()->OnEnd(*this);
}

void FakeStream::PauseReading() {
  paused_ = true;
  Pump();
}

void FakeStream::ResumeReading() {
  paused_ = false;
  heard_ = Now();
  Pump();
  UpdateTimer();
}

// --- What goes ---

void FakeStream::Write(std::string_view data) {
  if (!MayWrite() || data.empty()) return;
  if (unsent_.size() > group_.options().write_buffer_max || !group_.MayKeep()) {
    return Finish(Why::kNotRead, 0);
  }
  if (data.size() >= kDirectFrom && !blocked_ && state_ == State::kOpen) {
    SendSome();
    if (!blocked_) data.remove_prefix(Send(data));
    if (data.empty()) return;
    Block();
  }
  unsent_.Append(data);
  group_.Kept(data.size());
  if (unsent_.size() > group_.options().write_buffer_high && !above_high_) {
    above_high_ = true;
    choked_ = accepted_;
    Pump();
  }
  if (!blocked_) TellLater();
}

// Returns how much of it.
std::size_t FakeStream::Send(std::string_view data) {
  const std::size_t sent = link_->Take(data);
  if (sent > 0) moved_ = Now();
  return sent;
}

// The peer took less than there was.
void FakeStream::Block() {
  if (std::exchange(blocked_, true)) return;
  moved_ = Now();
  UpdateTimer();
}

void FakeStream::Flush() {
  if (finished() || state_ == State::kConnecting || blocked_) return;
  SendSome();
}

void FakeStream::SendSome() {
  if (unsent_.size() == 0) return AllSent();
  const std::size_t sent = Send(unsent_data());
  unsent_.Sent(sent);
  group_.Sent(sent);
  if (unsent_.size() == 0) {
    blocked_ = false;
  } else {
    Block();
  }
  if (above_high_ && unsent_.size() <= group_.options().write_buffer_low) {
    if (choked_) heard_ = Now();  // it is read again
    above_high_ = choked_ = false;
    writable_again_ = true;
    UpdateTimer();
    TellLater();
    Pump();
  }
  if (unsent_.size() == 0) AllSent();
}

void FakeStream::PeerReadsOn() {
  if (!blocked_ || writable_) return;
  writable_ = InTurn(link_->name + " reads on", &FakeStream::OnWritable);
}

void FakeStream::OnWritable() {
  Cancel(writable_);
  if (finished()) return;
  blocked_ = false;
  Flush();
}

// --- The end of a turn ---

void FakeStream::TellLater() {
  if (std::exchange(to_tell_, true)) return;
  group_.TellLater(*this);
}

void FakeStream::EndTurn() {
  to_tell_ = false;
  const bool tell = writable_again_ && writable();
  writable_again_ = false;
  Tell([&] {
    if (state_ == State::kOpening) Open();
    if (tell) listener_.get()->OnWritable(*this);
  });
  Flush();
}

void FakeStream::TellClosed() { listener_.get()->OnClosed(*this, {id(), why_, error_}); }

// --- How it ends, one way or both ---

void FakeStream::AllSent() {
  if (state_ == State::kClosing) {
    Linger();
  } else if (state_ <= State::kOpen && write_ended_ && !link_->told_end) {
    TellEnd();
  }
}

void FakeStream::EndWriting() {
  if (!MayWrite()) return;
  write_ended_ = true;
  if (unsent_.size() == 0 && state_ == State::kOpen) TellEnd();
}

void FakeStream::TellEnd() {
  link_->told_end = true;
  if (peer_ended_) Finish(Why::kPeer, 0);
}

void FakeStream::CloseBecause(Why why) {
  if (state_ > State::kOpen) return;
  if (state_ == State::kConnecting && unsent_.size() == 0) return Finish(why, 0);
  if (state_ < State::kOpen) {  // what was written is sent when it has opened
    why_ = why;
    write_ended_ = closes_ = true;
    return;
  }
  why_ = peer_ended_ && why == Why::kLocal ? Why::kPeer : why;
  state_ = State::kClosing;
  Pump();
  unsent_.size() == 0 ? Linger() : UpdateTimer();
}

void FakeStream::Linger() {
  link_->told_end = true;
  if (peer_ended_) return Finish(why_, 0);
  state_ = State::kLingering;
  moved_ = Now();
  if (!link_->stays_open && !std::exchange(link_->peer_ended, true)) {
    link_->arrivals.push_back({FakeLink::Arrival::Kind::kEnd});
  }
  Pump();
  UpdateTimer();
}

void FakeStream::Finish(Why why, int error) {
  if (finished()) return;
  state_ = State::kFinished;
  why_ = why;
  error_ = error;
  timer_.Cancel();
  Cancel(readable_);
  Cancel(writable_);
  link_->arrivals.clear();
  link_->peer_ended = true;
  link_->told_end = true;
  link_->ended = ConnectionClosed{id(), why, error};
  group_.Sent(unsent_.size());
  unsent_.Sent(unsent_.size());
  group_.Closed();
  TellLater();
}

// --- About it ---

ConnectionId FakeStream::id() const { return {group_.id(), number_}; }

void FakeStream::Defer(std::function<void(Connection&)> work) {
  group_.Defer(id(), std::move(work));
}

}  // namespace belfry::testing
