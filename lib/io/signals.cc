#include "belfry/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <utility>

#include "belfry/check.h"
#include "io/outbox.h"
#include "sys/errors.h"
#include "sys/sys.h"
#include "sys/unique_fd.h"

namespace belfry {
namespace {

constexpr int kSignalsPerTurn = 64;

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    BELFRY_CHECK(sigaddset(&set, signal) == 0, "there is no such signal");
  }
  return set;
}

}  // namespace

class Signals::Impl final : public std::enable_shared_from_this<Impl>, public OutboxOwner {
 public:
  Impl(EventLoop& loop, Dispatcher& dispatcher, std::initializer_list<int> signals)
      : loop_(loop), signals_(SetOf(signals)), outbox_(loop, dispatcher, *this) {
    // Before they are blocked: a refusal leaves everything as it was.
    descriptor_ = sys::UniqueFd(sys::Signalfd(signals_));
    if (!descriptor_) sys::ThrowErrno("signalfd");
  }

  void Start() {
    watch_ = loop_.Watch(descriptor_.get(), Interest::kReadable,
                         [self = shared_from_this()](Readiness) { self->ReadSome(); });
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }

  void End() {
    outbox_.Stop();
    loop_.Unwatch(std::exchange(watch_, WatchId{}));
    descriptor_.Reset();
    // Back to what it was, for these signals only: others may have been blocked since.
    sigset_t ours;
    sigemptyset(&ours);
    for (int signal = 1; signal < NSIG; ++signal) {
      if (sigismember(&signals_, signal) == 1 && sigismember(&before_, signal) == 0) {
        sigaddset(&ours, signal);
      }
    }
    pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
  }

  void OutboxEmptied(Outbox& /*outbox*/) override {
    if (watch_) loop_.SetInterest(watch_, Interest::kReadable);
  }
  std::shared_ptr<void> Alive() override { return shared_from_this(); }

 private:
  // While one waits to be accepted the others stay with the system.
  void ReadSome() {
    for (int i = 0; i < kSignalsPerTurn && descriptor_ && outbox_.empty(); ++i) {
      signalfd_siginfo info{};
      const ssize_t got = sys::Read(descriptor_.get(), &info, sizeof(info));
      if (got < 0 && errno == EINTR) continue;
      if (got != static_cast<ssize_t>(sizeof(info))) break;
      outbox_.Publish(SignalReceived{static_cast<int>(info.ssi_signo)});
    }
    if (watch_ && !outbox_.empty()) loop_.SetInterest(watch_, Interest::kNone);
  }

  EventLoop& loop_;
  const sigset_t signals_;
  sigset_t before_{};
  sys::UniqueFd descriptor_;
  WatchId watch_;
  Outbox outbox_;
};

Signals::Signals(EventLoop& loop, Dispatcher& dispatcher, std::initializer_list<int> signals)
    : impl_(std::make_shared<Impl>(loop, dispatcher, signals)) {
  impl_->Start();
}

Signals::~Signals() { impl_->End(); }

}  // namespace belfry
