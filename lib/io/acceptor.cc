#include "io/acceptor.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "sys/sys.h"

namespace belfry {
namespace {

constexpr int kAcceptsPerTurn = 64;  // then the connections have their turn
constexpr Nanoseconds kRest = std::chrono::milliseconds(50);

}  // namespace

sys::UniqueFd Acceptor::OpenReserve() { return sys::UniqueFd(sys::Open("/dev/null", O_RDONLY)); }

void Acceptor::Start(const std::shared_ptr<void>& alive) {
  alive_ = alive;
  watch_ = loop_.Watch(listening_.get(), Interest::kReadable,
                       [this, alive](Readiness) { AcceptSome(); });
}

void Acceptor::Stop() {
  if (watch_) loop_.Unwatch(std::exchange(watch_, WatchId{}));
  if (rest_) loop_.Cancel(std::exchange(rest_, TimerId{}));
  listening_.Reset();
  reserve_.Reset();
}

void Acceptor::RoomAgain() {
  full_ = false;
  UpdateInterest();
}

void Acceptor::AcceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!listening_) return;  // stopped by a listener of ConnectionOpened
    if (!owner_.HasRoom()) {
      full_ = true;
      break;
    }
    if (!AcceptOne()) break;
  }
  UpdateInterest();
}

bool Acceptor::AcceptOne() {
  sys::UniqueFd socket(sys::Accept(listening_.get()));
  if (!socket) return AfterError(errno);
  const int error = owner_.Accepted(std::move(socket));
  if (error != 0) Rest(error);
  return error == 0;
}

bool Acceptor::AfterError(int error) {
  switch (error) {
    case EAGAIN:
      return false;
    case EMFILE:
    case ENFILE:
      TurnOneAway();
      Rest(error);
      return false;
    // One connection failed before it was accepted (accept(2)); the next one may be well.
    case EINTR:
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM:  // a firewall
    case EPROTO:
    case ETIMEDOUT:
      return true;
    default:  // no memory, or something that we do not know: it may last
      Rest(error);
      return false;
  }
}

// Its peer learns at once that we cannot, instead of waiting for an answer that does not come.
void Acceptor::TurnOneAway() {
  if (!reserve_) return;
  reserve_.Reset();
  sys::UniqueFd(sys::Accept(listening_.get())).Reset();
  reserve_ = OpenReserve();
}

void Acceptor::Rest(int error) {
  if (rest_ || !listening_) return;
  rest_ = loop_.RunAfter(kRest, [this, alive = alive_] {
    const std::shared_ptr<void> held = alive.lock();
    if (held == nullptr) return;
    rest_ = TimerId{};
    if (!reserve_) reserve_ = OpenReserve();
    UpdateInterest();
  });
  owner_.AcceptFailed(error);
}

void Acceptor::UpdateInterest() {
  loop_.SetInterest(watch_, full_ || rest_ ? Interest::kNone : Interest::kReadable);
}

}  // namespace belfry
