#include "io/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "sys/sys.h"

namespace belfry {
namespace {

// What one connection may do before the others have their turn.
constexpr int kReadsPerTurn = 4;
constexpr int kSendsPerTurn = 16;
constexpr std::size_t kCompactAbove = 64 << 10;  // bytes sent before the rest is moved to the front
// A peer that takes nothing for so long, once there is nothing to do but to send the rest, is cut
// off.
constexpr Nanoseconds kStalledMax = std::chrono::seconds(30);
constexpr Nanoseconds kLingerMax = std::chrono::seconds(1);

}  // namespace

Connection::Connection(EventLoop& loop, Dispatcher& dispatcher, const TcpServerOptions& options,
                       std::shared_ptr<ConnectionHost> host, ConnectionId id, sys::UniqueFd socket)
    : loop_(loop),
      options_(options),
      host_(std::move(host)),
      id_(id),
      socket_(std::move(socket)),
      opened_(dispatcher.NewEventId()),
      linked_{.cause = Cause{}, .id = {}, .links = {opened_}, .headers = {}},
      outbox_(loop, dispatcher, *this) {}

Connection::~Connection() { StopTimer(); }

void Connection::Watch() {
  watch_ = loop_.Watch(socket_.get(), Interest::kReadable,
                       [self = Self()](Readiness readiness) { self->OnReady(readiness); });
}

void Connection::PublishOpened(std::string peer) {
  outbox_.Publish(ConnectionOpened{id_, std::move(peer)},
                  {.cause = Cause{}, .id = opened_, .links = {}, .headers = {}});
  UpdateInterest();
}

bool Connection::WantsToRead() const {
  if (state_ == State::kLingering) return true;
  return state_ == State::kOpen && !peer_ended_ && !paused_ && outbox_.empty();
}

void Connection::OnReady(Readiness readiness) {
  if (WantsToRead()) {
    // Reading finds an error, too, after what came before it.
    if (readiness.readable || readiness.hung_up || readiness.error) ReadSome();
  } else if (readiness.error || readiness.hung_up) {
    const int error = sys::TakeSocketError(socket_.get());
    Finish(error != 0 ? Why::kError : Why::kPeer, error);
  }
  if (readiness.writable) SendSome();
}

void Connection::ReadSome() {
  for (int i = 0; i < kReadsPerTurn && WantsToRead(); ++i) {
    if (!ReadOnce()) break;
  }
  UpdateInterest();
}

bool Connection::ReadOnce() {
  std::vector<char>& buffer = host_->read_buffer();
  const ssize_t got = sys::Recv(socket_.get(), buffer.data(), buffer.size());
  if (got > 0) {
    const auto size = static_cast<std::size_t>(got);
    if (state_ != State::kLingering) {
      outbox_.Publish(DataReceived{id_, std::string(buffer.data(), size)}, linked_);
    }
    return size == buffer.size();  // otherwise there is hardly more: epoll would say so
  }
  if (got == 0) {
    OnEnd();
  } else if (errno == EINTR) {
    return true;
  } else if (errno != EAGAIN) {
    const int error = errno;
    if (state_ == State::kLingering) {
      Finish(close_why_, 0);
    } else {
      Finish(Why::kError, error);
    }
  }
  return false;
}

// The peer sends no more, but it may still read.
void Connection::OnEnd() {
  peer_ended_ = true;
  if (state_ == State::kLingering) {
    Finish(close_why_, 0);
  } else if (unsent() == 0) {
    Finish(Why::kPeer, 0);
  } else {
    WatchProgress();
  }
}

void Connection::Write(std::string data) {
  if (state_ != State::kOpen || data.empty()) return;
  if (unsent() > options_.write_buffer_max) {
    Finish(Why::kNotRead, 0);
    return;
  }
  if (unsent() > 0) {
    unsent_ += data;
    return;
  }
  unsent_ = std::move(data);
  sent_ = 0;
  SendSome();
}

void Connection::SendSome() {
  for (int i = 0; i < kSendsPerTurn && unsent() > 0 && state_ != State::kFinished; ++i) {
    const ssize_t sent = sys::Send(socket_.get(), unsent_.data() + sent_, unsent());
    if (sent >= 0) {
      sent_ += static_cast<std::size_t>(sent);
      bytes_sent_ += static_cast<std::uint64_t>(sent);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      Finish(Why::kError, errno);
    }
  }
  if (state_ == State::kFinished) return;
  if (unsent() == 0) {
    unsent_ = std::string();  // gives the memory back
    sent_ = 0;
    AfterAllSent();
  } else if (sent_ > kCompactAbove && sent_ > unsent()) {
    unsent_.erase(0, sent_);
    sent_ = 0;
  }
  UpdateInterest();
}

void Connection::AfterAllSent() {
  if (state_ == State::kClosing) {
    Linger();
  } else if (peer_ended_) {
    Finish(Why::kPeer, 0);
  }
}

void Connection::Close(Why why) {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  close_why_ = why;
  if (unsent() == 0) {
    Linger();
  } else {
    WatchProgress();
  }
  UpdateInterest();
}

void Connection::Linger() {
  StopTimer();
  if (peer_ended_ || sys::Shutdown(socket_.get(), SHUT_WR) != 0) {
    Finish(close_why_, 0);
    return;
  }
  state_ = State::kLingering;
  timer_ = loop_.RunAfter(kLingerMax, [weak = weak_from_this(), this] {
    if (const auto self = weak.lock()) Finish(close_why_, 0);
  });
}

void Connection::WatchProgress() {
  StopTimer();
  timer_ = loop_.RunAfter(kStalledMax, [weak = weak_from_this(), this, before = bytes_sent_] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    if (bytes_sent_ == before) {
      Finish(Why::kNotRead, 0);
    } else {
      WatchProgress();
    }
  });
}

void Connection::StopTimer() {
  if (timer_) loop_.Cancel(std::exchange(timer_, TimerId{}));
}

void Connection::PauseReading() {
  paused_ = true;
  UpdateInterest();
}

void Connection::ResumeReading() {
  paused_ = false;
  UpdateInterest();
}

void Connection::Finish(Why why, int error) {
  if (state_ == State::kFinished) return;
  state_ = State::kFinished;
  StopTimer();
  loop_.Unwatch(std::exchange(watch_, WatchId{}));
  socket_.Reset();
  unsent_ = std::string();
  sent_ = 0;
  host_->ConnectionEnded();
  outbox_.Publish(ConnectionClosed{id_, why, error}, linked_);
  if (outbox_.idle()) host_->Forget(id_.number);
}

void Connection::OutboxEmptied() {
  if (state_ == State::kFinished) {
    host_->Forget(id_.number);
  } else {
    UpdateInterest();
  }
}

void Connection::UpdateInterest() {
  if (state_ == State::kFinished) return;
  const unsigned readable = WantsToRead() ? 1U : 0U;
  const unsigned writable = unsent() > 0 ? 2U : 0U;
  loop_.SetInterest(watch_, static_cast<Interest>(readable | writable));
}

}  // namespace belfry
