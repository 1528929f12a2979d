// How a stream ends, one way or both.
#include <sys/socket.h>

#include <utility>

#include "io/stream.h"
#include "io/stream_group.h"
#include "sys/sys.h"

namespace belfry {

void Stream::AllSent() {
  if (state_ == State::kClosing) {
    Linger();
  } else if (state_ <= State::kOpen && write_ended_ && !end_told_) {
    EndSocketWriting();
  }
}

void Stream::EndWriting() {
  if (!MayWrite()) return;
  Uncork();
  write_ended_ = true;
  UpdateInterest();
  if (out_ == nullptr && state_ == State::kOpen) EndSocketWriting();
}

void Stream::EndSocketWriting() {
  end_told_ = true;
  if (is_socket_) sys::Shutdown(watched(), SHUT_WR);
  if (peer_ended_) Finish(Why::kPeer, 0);
}

void Stream::CloseBecause(Why why) {
  if (state_ > State::kOpen) return;
  Uncork();
  if (state_ == State::kConnecting && out_ == nullptr) return Finish(why, 0);
  if (state_ < State::kOpen) {  // what was written is sent when it has opened
    why_ = why;
    write_ended_ = closes_ = true;
    return;
  }
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
  if (peer_ended_ || !is_socket_ || (!end_told_ && sys::Shutdown(watched(), SHUT_WR) != 0)) {
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
  plain_ = false;
  why_ = why;
  deadline_ = static_cast<std::uint32_t>(error);
  Gathering& gathering = group_.gathering();
  if (gathering.corked == this) {
    gathering.corked = nullptr;
    gathering.cork.Take();
  }
  if (in_wheel()) group_.loop().CancelTimer(*this);
  sys::UniqueFd fd(watched());
  if (fd) group_.loop().Unwatch(watch_);
  fd.Reset();
  if (out_ != nullptr) {
    group_.Sent(out_->size());
    group_.out_buffers().Give(std::move(out_));
  }
  group_.Closed();
  TellLater();
}

}  // namespace belfry
