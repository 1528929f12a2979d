// How long a connection of FakeServer or FakeConnector may take.
#include <algorithm>
#include <chrono>

#include "testing/fake_stream.h"
#include "testing/fake_streams.h"

namespace belfry::testing {
namespace {

using std::chrono::milliseconds;

constexpr Nanoseconds kLingerMax = std::chrono::seconds(1);  // as in lib/io

std::int64_t Milliseconds(Nanoseconds length) {
  return std::chrono::ceil<milliseconds>(length).count();
}

}  // namespace

std::int64_t FakeStream::Now() const {
  const auto since = group_.world().loop().turn_time().time_since_epoch();
  return std::chrono::floor<milliseconds>(since).count();
}

std::optional<FakeStream::Limit> FakeStream::NextLimit() const {
  if (state_ == State::kFinished) return std::nullopt;
  const ConnectionOptions& options = group_.options();
  const std::int64_t now = Now();
  std::optional<Limit> next;
  const auto add = [&](std::int64_t left, Why why) {
    if (!next.has_value() || left < next->left) next = Limit{left, why};
  };
  const auto since = [&](std::int64_t begin, Nanoseconds length, Why why) {
    if (length > Nanoseconds::zero()) add(Milliseconds(length) - (now - begin), why);
  };
  if (state_ == State::kConnecting) since(heard_, options.connect_timeout, Why::kTimedOut);
  if (state_ == State::kLingering) since(moved_, kLingerMax, why_);
  if (state_ == State::kOpen || state_ == State::kClosing) {
    since(std::max(heard_, moved_), options.idle_timeout, Why::kTimedOut);
  }
  if (state_ == State::kOpen && WantsToRead()) {
    since(heard_, options.read_timeout, Why::kTimedOut);
  }
  if (blocked_) since(moved_, options.write_timeout, Why::kNotRead);
  if (deadline_ && state_ <= State::kClosing) add(*deadline_ - now, Why::kTimedOut);
  return next;
}

void FakeStream::UpdateTimer() {
  const std::optional<Limit> next = NextLimit();
  if (next) timer_.Arm(milliseconds(std::max<std::int64_t>(next->left, 0)));
}

void FakeStream::OnTime() {
  const std::optional<Limit> next = NextLimit();
  next && next->left <= 0 ? Finish(next->why, 0) : UpdateTimer();
}

void FakeStream::SetDeadline(std::optional<Nanoseconds> in) {
  if (finished()) return;
  deadline_ = std::nullopt;
  if (!in) return;
  constexpr Nanoseconds kLatest = std::chrono::hours(24 * 24);  // as in lib/io
  deadline_ = Now() + Milliseconds(std::clamp(*in, Nanoseconds(0), kLatest));
  UpdateTimer();
}

}  // namespace belfry::testing
