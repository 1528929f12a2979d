#include "io/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "io/listen_socket.h"
#include "io/stream_group.h"
#include "sys/sys.h"

namespace belfry {
namespace {

// What one connection may do before the others have their turn.
constexpr int kReadsPerTurn = 4;
constexpr int kSendsPerTurn = 16;
// From here on it is cheaper to send at once than to copy first.
constexpr std::size_t kDirectFrom = std::size_t{16} << 10;

}  // namespace

Stream::Stream(std::uint32_t place, StreamGroup& group, HeldListener listener, sys::UniqueFd fd)
    : group_(group),
      listener_(std::move(listener)),
      fd_(std::move(fd)),
      place_(place),
      heard_(group.Now()),
      moved_(heard_) {}

Stream::~Stream() = default;

// --- How it begins ---

void Stream::StartConnecting() {
  watch_ = group_.loop().Watch(fd_.get(), Interest::kWritable, *this);
  UpdateTimer();
}

void Stream::StartOpen() {
  state_ = State::kOpening;
  watch_ = group_.loop().Watch(fd_.get(), Interest::kReadable, *this);
}

void Stream::UseAsFile(bool may_read, bool may_write) {
  is_socket_ = false;
  peer_ended_ = !may_read;
  write_ended_ = end_told_ = !may_write;
}

void Stream::OpenAccepted() {
  accepted_ = true;
  Open();
}

void Stream::Open() {
  state_ = State::kOpen;
  heard_ = moved_ = group_.Now();
  UpdateInterest();
  UpdateTimer();
  listener().OnOpened(*this);
}

void Stream::Connected() {
  if (const int error = sys::TakeSocketError(fd_.get()); error != 0) {
    Finish(Why::kError, error);
  } else {
    Open();
  }
}

// --- What comes ---

bool Stream::WantsToRead() const {
  if (state_ == State::kLingering) return true;
  return state_ == State::kOpen && !peer_ended_ && !paused_ && !(above_high_ && accepted_);
}

void Stream::OnReady(Readiness readiness) {
  in_ready_ = true;
  try {
    if (state_ == State::kConnecting) {
      Connected();
    } else if (WantsToRead()) {
      // Reading finds an error, too, after what came before it.
      if (readiness.readable || readiness.hung_up || readiness.error) ReadSome();
    } else if (readiness.error || readiness.hung_up) {
      Broken();
    }
  } catch (...) {
    in_ready_ = false;
    if (out_ != nullptr) TellLater();
    throw;
  }
  in_ready_ = false;
  if (readiness.writable) {
    blocked_ = false;
    UpdateInterest();
  }
  Flush();
}

void Stream::ReadSome() {
  for (int i = 0; i < kReadsPerTurn && WantsToRead(); ++i) {
    if (!ReadOnce()) break;
  }
}

// Whether there may be more at once.
bool Stream::ReadOnce() {
  const std::span<char> buffer = group_.read_buffer();
  const ssize_t got = is_socket_ ? sys::Recv(fd_.get(), buffer.data(), buffer.size())
                                 : sys::Read(fd_.get(), buffer.data(), buffer.size());
  if (got > 0) {
    heard_ = group_.Now();
    const auto size = static_cast<std::size_t>(got);
    if (state_ == State::kOpen) listener().OnData(*this, {buffer.data(), size});
    return size == buffer.size();  // otherwise there is hardly more: epoll would say so
  }
  if (got == 0) {
    PeerEnded();
  } else if (errno == EINTR) {
    return true;
  } else if (errno != EAGAIN) {
    const int error = errno;
    state_ == State::kLingering ? Finish(why_, 0) : Finish(Why::kError, error);
  }
  return false;
}

void Stream::PeerEnded() {
  peer_ended_ = true;
  if (state_ == State::kLingering) return Finish(why_, 0);
  UpdateInterest();
  if (end_told_) return Finish(Why::kPeer, 0);
  listener().OnEnd(*this);
}

// It is not read, and something is wrong with it. That the peer is gone, what it had sent before is
// read first when reading goes on.
void Stream::Broken() {
  const int error = is_socket_ ? sys::TakeSocketError(fd_.get()) : 0;
  if (error != 0) {
    Finish(Why::kError, error);
  } else if (state_ != State::kOpen || peer_ended_) {
    Finish(Why::kPeer, 0);
  }
}

void Stream::PauseReading() {
  paused_ = true;
  UpdateInterest();
}

void Stream::ResumeReading() {
  paused_ = false;
  heard_ = group_.Now();
  UpdateInterest();
  UpdateTimer();
}

// --- What goes ---

void Stream::Write(std::string_view data) {
  if (!MayWrite() || data.empty()) return;
  if (unsent() > group_.options().write_buffer_max || !group_.MayKeep()) {
    return Finish(Why::kNotRead, 0);
  }
  if (data.size() >= kDirectFrom && !blocked_ && state_ == State::kOpen) {
    data = SendDirectly(data);
    if (data.empty() || state_ == State::kFinished) return;
  }
  if (out_ == nullptr) out_ = group_.out_buffers().Take();
  out_->Append(data);
  group_.Kept(data.size());
  if (unsent() > group_.options().write_buffer_high && !std::exchange(above_high_, true)) {
    UpdateInterest();
  }
  if (!in_ready_ && !blocked_) TellLater();
}

// What is left of it.
std::string_view Stream::SendDirectly(std::string_view data) {
  SendSome();
  while (!data.empty() && unsent() == 0 && state_ == State::kOpen && !blocked_) {
    const ssize_t sent = Send(data);
    if (sent < 0) break;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return data;
}

// Bytes; below zero: no more for now.
ssize_t Stream::Send(std::string_view data) {
  for (;;) {
    const ssize_t sent = is_socket_ ? sys::Send(fd_.get(), data.data(), data.size())
                                    : sys::WriteQuietly(fd_.get(), data.data(), data.size());
    if (sent >= 0) {
      moved_ = group_.Now();
      return sent;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      Finish(Why::kError, errno);
    } else if (!std::exchange(blocked_, true)) {
      moved_ = group_.Now();
      UpdateInterest();
      UpdateTimer();
    }
    return -1;
  }
}

void Stream::Flush() {
  if (state_ == State::kFinished || state_ == State::kConnecting || blocked_) return;
  SendSome();
}

void Stream::SendSome() {
  if (out_ == nullptr) return;
  for (int i = 0; i < kSendsPerTurn && out_->size() > 0; ++i) {
    const ssize_t sent = Send({out_->data(), out_->size()});
    if (sent < 0) break;
    out_->Sent(static_cast<std::size_t>(sent));
    group_.Sent(static_cast<std::size_t>(sent));
  }
  if (state_ == State::kFinished) return;
  if (out_->size() == 0) {
    blocked_ = false;
    group_.out_buffers().Give(std::move(out_));
  } else if (!blocked_) {
    blocked_ = true;  // the others have their turn
    UpdateTimer();
  }
  if (above_high_ && unsent() <= group_.options().write_buffer_low) {
    above_high_ = false;
    writable_again_ = true;
    TellLater();
  }
  UpdateInterest();
  if (out_ == nullptr) AllSent();
}

void Stream::AllSent() {
  if (state_ == State::kClosing) {
    Linger();
  } else if (write_ended_ && !end_told_) {
    EndSocketWriting();
  }
}

void Stream::EndWriting() {
  if (!MayWrite()) return;
  write_ended_ = true;
  if (out_ == nullptr && state_ == State::kOpen) EndSocketWriting();
}

void Stream::EndSocketWriting() {
  end_told_ = true;
  if (is_socket_) sys::Shutdown(fd_.get(), SHUT_WR);
  if (peer_ended_) Finish(Why::kPeer, 0);
}

// --- How it ends ---

void Stream::CloseBecause(Why why) {
  if (state_ > State::kOpen) return;
  if (state_ == State::kConnecting) return Finish(why, 0);
  why_ = peer_ended_ && is_socket_ && why == Why::kLocal ? Why::kPeer : why;
  state_ = State::kClosing;
  UpdateInterest();
  if (out_ == nullptr) {
    Linger();
  } else {
    UpdateTimer();
  }
}

void Stream::Linger() {
  if (peer_ended_ || !is_socket_ || (!end_told_ && sys::Shutdown(fd_.get(), SHUT_WR) != 0)) {
    return Finish(why_, 0);
  }
  state_ = State::kLingering;
  moved_ = group_.Now();
  UpdateInterest();
  UpdateTimer();
}

void Stream::Finish(Why why, int error) {
  if (state_ == State::kFinished) return;
  state_ = State::kFinished;
  why_ = why;
  error_ = error;
  if (timer_) group_.loop().Cancel(std::exchange(timer_, TimerId{}));
  if (watched() >= 0) group_.loop().Unwatch(watch_);
  fd_.Reset();
  if (out_ != nullptr) {
    group_.Sent(out_->size());
    group_.out_buffers().Give(std::move(out_));
  }
  group_.Closed();
  TellLater();
}

// --- The end of a turn ---

void Stream::TellLater() {
  if (!std::exchange(to_tell_, true)) group_.TellLater(*this);
}

void Stream::EndTurn() {
  to_tell_ = false;
  if (state_ == State::kOpening) Open();
  if (std::exchange(writable_again_, false) && MayWrite()) listener().OnWritable(*this);
  Flush();
}

void Stream::TellClosed() { listener().OnClosed(*this, {id(), why_, error_}); }

void Stream::UpdateInterest() {
  if (watched() < 0 || state_ == State::kConnecting) return;
  const unsigned readable = WantsToRead() ? 1U : 0U;
  const unsigned writable = blocked_ ? 2U : 0U;
  const auto wanted = static_cast<Interest>(readable | writable);
  if (wanted != interest()) group_.loop().SetInterest(watch_, wanted);
}

// --- About it ---

ConnectionId Stream::id() const {
  return {group_.id(), std::uint64_t{watch_.generation} << 32 | watch_.index};
}

std::string Stream::peer() const { return is_socket_ ? PeerText(fd_.get()) : ""; }

void Stream::Defer(std::function<void(Connection&)> work) { group_.Defer(id(), std::move(work)); }

}  // namespace belfry
