// How long a stream may take.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>

#include "io/stream.h"
#include "io/stream_group.h"

namespace belfry {
namespace {

constexpr Nanoseconds kLingerMax = std::chrono::seconds(1);

std::int64_t Milliseconds(Nanoseconds length) {
  return std::chrono::ceil<std::chrono::milliseconds>(length).count();
}

}  // namespace

std::optional<Stream::Limit> Stream::NextLimit() const {
  if (state_ == State::kFinished) return std::nullopt;
  const ConnectionOptions& options = group_.options();
  const std::uint32_t now = group_.Now();
  std::optional<Limit> next;
  const auto add = [&](std::int64_t left, Why why) {
    if (!next.has_value() || left < next->left) next = Limit{left, why};
  };
  const auto since = [&](std::uint32_t begin, Nanoseconds length, Why why) {
    if (length > Nanoseconds::zero()) add(Milliseconds(length) - (now - begin), why);
  };
  if (state_ == State::kConnecting) since(heard_, options.connect_timeout, Why::kTimedOut);
  if (state_ == State::kLingering) since(moved_, kLingerMax, why_);
  if (state_ == State::kOpen || state_ == State::kClosing) {
    const std::uint32_t last = now - heard_ < now - moved_ ? heard_ : moved_;
    since(last, options.idle_timeout, Why::kTimedOut);
  }
  if (state_ == State::kOpen && WantsToRead()) {
    since(heard_, options.read_timeout, Why::kTimedOut);
  }
  if (blocked_) since(moved_, options.write_timeout, Why::kNotRead);
  if (has_deadline_ && state_ <= State::kClosing) {
    add(static_cast<std::int32_t>(deadline_ - now), Why::kTimedOut);
  }
  return next;
}

// What came or was sent meanwhile only puts the limit off: the timer finds out when it is due.
void Stream::UpdateTimer() {
  const std::optional<Limit> next = NextLimit();
  if (!next.has_value()) return;
  try {
    group_.loop().ArmTimer(*this, std::chrono::milliseconds(std::max<std::int64_t>(next->left, 0)));
  } catch (const std::bad_alloc&) {
    Finish(Why::kError, ENOMEM);
  }
}

void Stream::OnTime() {
  const std::optional<Limit> next = NextLimit();
  if (next.has_value() && next->left <= 0) {
    Finish(next->why, 0);
  } else {
    UpdateTimer();
  }
}

void Stream::SetDeadline(std::optional<Nanoseconds> in) {
  if (state_ == State::kFinished) return;
  has_deadline_ = in.has_value();
  if (!in.has_value()) return;
  constexpr Nanoseconds kLatest = std::chrono::hours(24 * 24);  // of what a signed half can say
  deadline_ = group_.Now() +
              static_cast<std::uint32_t>(Milliseconds(std::clamp(*in, Nanoseconds(0), kLatest)));
  UpdateTimer();
}

}  // namespace belfry
