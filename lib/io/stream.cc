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

Stream::Stream(std::uint32_t place, StreamGroup& group, HeldListener listener)
    : TimerEntry([](TimerEntry& timer) { static_cast<Stream&>(timer).OnTime(); }),
      place_(place),
      group_(group),
      listener_(listener.get()),
      heard_(group.Now()),
      moved_(heard_),
      owns_listener_(listener.owned()) {
  listener.Release();
}

Stream::~Stream() {
  if (owns_listener_) delete listener_;
}

// --- How it begins ---

void Stream::StartConnecting(sys::UniqueFd fd) {
  watch_ = group_.loop().Watch(fd.get(), Interest::kWritable, *this);
  fd.Release();
  UpdateTimer();
}

void Stream::StartOpen(sys::UniqueFd fd) {
  state_ = State::kOpening;
  watch_ = group_.loop().Watch(fd.get(), Interest::kReadable, *this);
  fd.Release();
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
  if (closes_) CloseBecause(why_);
}

void Stream::Connected() {
  if (const int error = sys::TakeSocketError(watched()); error != 0) {
    Finish(Why::kError, error);
  } else {
    Open();
  }
}

// --- What comes ---

bool Stream::WantsToRead() const {
  if (state_ == State::kLingering) return true;
  return state_ == State::kOpen && !peer_ended_ && !paused_ && !choked_;
}

// Bytes; below zero: no more for now.
inline ssize_t Stream::Send(std::string_view data) {
  const ssize_t sent = is_socket_ ? sys::Send(watched(), data.data(), data.size())
                                  : sys::WriteQuietly(watched(), data.data(), data.size());
  if (sent < 0) return SendFailed();
  moved_ = group_.Now();
  return sent;
}

void Stream::SendCork() {
  Gathering& gathering = group_.gathering();
  gathering.corked = nullptr;
  const std::string_view data = gathering.cork.Take();
  if (data.empty()) return;
  const ssize_t sent = Send(data);
  if (sent != static_cast<ssize_t>(data.size())) KeepRest(data, sent);
}

// Of what was sent in part; below zero: not at all.
void Stream::KeepRest(std::string_view data, ssize_t sent) {
  Keep(data.substr(static_cast<std::size_t>(std::max<ssize_t>(sent, 0))));
}

// The usual case is short: one read, one call, one write. It says again what Read and SendCork say,
// but does not note when something was sent: something came at the same time.
void Stream::OnReadable() {
  if (!plain_) return OnReady(Readiness{.readable = true});
  StreamGroup& group = group_;
  Gathering& gathering = group.gathering();
  gathering.corked = this;
  const ssize_t got = sys::Recv(watched(), group.read_buffer().data(), group.read_buffer().size());
  if (group.notes_time()) heard_ = group.Now();
  const auto size = static_cast<std::size_t>(got);
  try {
    if (got <= 0) return AfterReading(ReadFailed(got));
    listener_->OnData(*this, {group.read_buffer().data(), size});
  } catch (...) {
    SendLater();
    throw;
  }
  if (size == group.read_buffer().size()) return AfterReading(true);
  if (gathering.corked != this) return;
  gathering.corked = nullptr;
  const std::string_view data = gathering.cork.Take();
  if (data.empty()) return;
  const ssize_t sent = sys::Send(watched(), data.data(), data.size());
  if (sent != static_cast<ssize_t>(data.size())) KeepRest(data, sent < 0 ? SendFailed() : sent);
}

// A listener has thrown.
void Stream::SendLater() {
  Uncork();
  if (out_ != nullptr && !blocked_) TellLater();
}

// `more`: there may be.
void Stream::AfterReading(bool more) {
  if (more) return OnReady(Readiness{.readable = true});
  if (group_.gathering().corked == this) SendCork();
}

void Stream::OnReady(Readiness readiness) {
  if (state_ == State::kOpening) return;  // at the end of the turn
  if (out_ == nullptr && state_ == State::kOpen && !write_ended_) group_.gathering().corked = this;
  try {
    if (WantsToRead()) {
      // Reading finds an error, too, after what came before it.
      if (readiness.readable || readiness.hung_up || readiness.error) ReadSome();
    } else if (state_ == State::kConnecting) {
      Connected();
    } else if (readiness.error || readiness.hung_up) {
      Broken();
    }
  } catch (...) {
    SendLater();
    throw;
  }
  if (readiness.writable) {
    blocked_ = false;
    UpdateInterest();
  }
  if (group_.gathering().corked == this) {
    SendCork();
  } else {
    Flush();
  }
}

void Stream::ReadSome() {
  const std::span<char> buffer = group_.read_buffer();
  for (int i = 0; i < kReadsPerTurn && WantsToRead(); ++i) {
    const ssize_t got = is_socket_ ? sys::Recv(watched(), buffer.data(), buffer.size())
                                   : sys::Read(watched(), buffer.data(), buffer.size());
    if (!Read(got)) break;
  }
}

// What a system call has put into the read buffer. Whether there may be more at once.
bool Stream::Read(ssize_t got) {
  if (got <= 0) return ReadFailed(got);
  const std::span<char> buffer = group_.read_buffer();
  const auto size = static_cast<std::size_t>(got);
  if (group_.notes_time()) heard_ = group_.Now();
  if (state_ == State::kOpen) listener().OnData(*this, {buffer.data(), size});
  return size == buffer.size();  // otherwise there is hardly more: epoll would say so
}

bool Stream::ReadFailed(ssize_t got) {
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
  const int error = is_socket_ ? sys::TakeSocketError(watched()) : 0;
  if (error != 0) {
    Finish(Why::kError, error);
  } else if (state_ != State::kOpen || peer_ended_) {
    Finish(Why::kPeer, 0);
  } else {
    hung_up_ = true;
    UpdateInterest();
  }
}

void Stream::PauseReading() {
  paused_ = true;
  UpdateInterest();
}

void Stream::ResumeReading() {
  paused_ = hung_up_ = false;
  heard_ = group_.Now();
  UpdateInterest();
  UpdateTimer();
}

// --- What goes ---

std::size_t Stream::unsent() const {
  const Gathering& gathering = group_.gathering();
  return gathering.corked == this ? gathering.cork.size() : kept();
}

void Stream::Write(std::string_view data) {
  Gathering& gathering = group_.gathering();
  if (gathering.corked != this || !gathering.cork.Append(data)) Keep(data);
}

// What is in the cork is kept like anything else from here on.
void Stream::Uncork() {
  Gathering& gathering = group_.gathering();
  if (gathering.corked != this) return;
  gathering.corked = nullptr;
  const std::string_view corked = gathering.cork.Take();
  if (!corked.empty()) Keep(corked);
}

void Stream::Keep(std::string_view data) {
  Uncork();
  if (!MayWrite() || data.empty()) return;
  if (kept() > group_.options().write_buffer_max || !group_.MayKeep()) {
    return Finish(Why::kNotRead, 0);
  }
  if (data.size() >= kDirectFrom && !blocked_ && state_ == State::kOpen) {
    data = SendDirectly(data);
    if (data.empty() || state_ == State::kFinished) return;
  }
  try {
    if (out_ == nullptr) out_ = group_.out_buffers().Take();
    out_->Append(data);
  } catch (const std::bad_alloc&) {
    return Finish(Why::kError, ENOMEM);
  }
  group_.Kept(data.size());
  if (kept() > group_.options().write_buffer_high && !above_high_) {
    above_high_ = true;
    choked_ = accepted_;
  }
  UpdateInterest();
  if (!blocked_) TellLater();
}

// What is left of it.
std::string_view Stream::SendDirectly(std::string_view data) {
  SendSome();
  while (!data.empty() && out_ == nullptr && state_ == State::kOpen && !blocked_) {
    const ssize_t sent = Send(data);
    if (sent < 0) break;
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return data;
}

ssize_t Stream::SendFailed() {
  if (errno == EINTR) return 0;
  if (errno != EAGAIN) {
    Finish(Why::kError, errno);
  } else if (!blocked_) {
    blocked_ = true;
    hung_up_ = false;
    moved_ = group_.Now();
    UpdateInterest();
    UpdateTimer();
  }
  return -1;
}

void Stream::Flush() {
  Uncork();
  if (state_ == State::kFinished || state_ == State::kConnecting || blocked_) return;
  SendSome();
}

void Stream::SendSome() {
  if (out_ == nullptr) return AllSent();
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
  if (above_high_ && kept() <= group_.options().write_buffer_low) {
    if (choked_) heard_ = group_.Now();  // it is read again
    above_high_ = choked_ = false;
    writable_again_ = true;
    UpdateTimer();
    TellLater();
  }
  UpdateInterest();
  if (out_ == nullptr) AllSent();
}

// --- The end of a turn ---

void Stream::TellLater() {
  if (to_tell_) return;
  to_tell_ = true;
  group_.TellLater(*this);
}

void Stream::EndTurn() {
  to_tell_ = false;
  const bool tell = writable_again_ && writable();
  writable_again_ = false;
  try {
    if (state_ == State::kOpening) Open();
    if (tell) listener().OnWritable(*this);
  } catch (...) {
    SendLater();
    throw;
  }
  Flush();
}

void Stream::TellClosed() { listener().OnClosed(*this, {id(), why_, static_cast<int>(deadline_)}); }

// Whatever changes one of these calls it.
void Stream::UpdateInterest() {
  plain_ =
      state_ == State::kOpen && is_socket_ && out_ == nullptr && !write_ended_ && WantsToRead();
  if (watched() < 0 || state_ == State::kConnecting) return;
  const unsigned readable = WantsToRead() ? 1U : 0U;
  const unsigned writable = blocked_ && !hung_up_ ? 2U : 0U;
  const auto wanted = static_cast<Interest>(readable | writable);
  if (wanted != interest()) group_.loop().SetInterest(watch_, wanted);
}

// --- About it ---

ConnectionId Stream::id() const {
  return {group_.id(), std::uint64_t{watch_.generation} << 32 | watch_.index};
}

std::string Stream::peer() const { return is_socket_ ? PeerText(watched()) : ""; }

void Stream::Defer(std::function<void(Connection&)> work) { group_.Defer(id(), std::move(work)); }

}  // namespace belfry
