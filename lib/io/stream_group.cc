#include "io/stream_group.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>

#include "belfry/check.h"

namespace belfry {
namespace {

constexpr Nanoseconds kTimeoutMax = std::chrono::hours(24 * 30);

// Below what is sent without being copied first.
constexpr std::size_t kCorkMax = std::size_t{16} << 10;

constinit sync::Atomic<std::uint64_t> last_id{0};

absl::Status Wrong(std::string_view option, std::string_view what) {
  return absl::InvalidArgumentError("ConnectionOptions::" + std::string(option) + " is " +
                                    std::string(what));
}

ConnectionOptions Clamped(ConnectionOptions options) {
  options.write_buffer_high = std::min(options.write_buffer_high, options.write_buffer_max);
  options.write_buffer_low = std::min(options.write_buffer_low, options.write_buffer_high);
  return options;
}

}  // namespace

std::uint64_t StreamGroup::NewId() { return last_id.fetch_add(1, std::memory_order_relaxed) + 1; }

StreamGroup::StreamGroup(EventLoop& loop, const ConnectionOptions& options, std::uint64_t id)
    : loop_(loop),
      options_(Clamped(options)),
      notes_time_(options.idle_timeout > Nanoseconds::zero() ||
                  options.read_timeout > Nanoseconds::zero()),
      id_(id),
      read_buffer_(std::make_unique_for_overwrite<char[]>(options.read_bytes_max)),
      gathering_{.cork = Cork(std::min(kCorkMax, options_.write_buffer_high))} {
  const absl::Status status = Check(options);
  BELFRY_CHECK(status.ok(), std::string(status.message()).c_str());
}

absl::Status StreamGroup::Check(const ConnectionOptions& options) {
  if (options.read_bytes_max == 0) return Wrong("read_bytes_max", "0");
  for (const Nanoseconds timeout : {options.idle_timeout, options.read_timeout,
                                    options.write_timeout, options.connect_timeout}) {
    if (timeout < Nanoseconds::zero()) return Wrong("..._timeout", "below zero");
    if (timeout > kTimeoutMax) return Wrong("..._timeout", "above 30 days");
  }
  return absl::OkStatus();
}

Stream& StreamGroup::Add(sys::UniqueFd fd, HeldListener listener,
                         void (Stream::*start)(sys::UniqueFd)) {
  Stream& stream = streams_.Add(*this, std::move(listener));
  try {
    (stream.*start)(std::move(fd));
  } catch (...) {
    streams_.Remove(stream);
    throw;
  }
  ++size_;
  open_.fetch_add(1, std::memory_order_relaxed);
  return stream;
}

Stream& StreamGroup::AddOpen(sys::UniqueFd fd, HeldListener listener) {
  return Add(std::move(fd), std::move(listener), &Stream::StartOpen);
}

Stream& StreamGroup::AddConnecting(sys::UniqueFd fd, HeldListener listener) {
  return Add(std::move(fd), std::move(listener), &Stream::StartConnecting);
}

Stream* StreamGroup::Find(ConnectionId id) {
  if (id.server != id_) return nullptr;
  Watcher* const watcher = loop_.FindWatcher(
      {static_cast<std::uint32_t>(id.number), static_cast<std::uint32_t>(id.number >> 32)});
  return watcher == nullptr ? nullptr : &Stream::Of(*watcher);
}

void StreamGroup::Defer(ConnectionId id, std::function<void(Connection&)> work) {
  loop_.Post([weak = weak_from_this(), id, work = std::move(work)] {
    const auto self = weak.lock();
    Stream* const stream = self == nullptr ? nullptr : self->Find(id);
    if (stream != nullptr) work(*stream);
  });
}

void StreamGroup::ForEach(const std::function<void(Stream&)>& visit) {
  streams_.ForEach([&](Stream& stream) {
    if (!stream.finished()) visit(stream);
  });
}

void StreamGroup::CloseAll(ConnectionClosed::Why why) {
  ForEach([why](Stream& stream) { stream.CloseBecause(why); });
}

void StreamGroup::End() {
  owner_ = nullptr;
  ended_ = true;
  ForEach([](Stream& stream) { stream.AbortBecause(ConnectionClosed::Why::kShutdown); });
  if (!loop_.in_turn()) {
    while (!to_tell_.empty() || all_to_tell_) EndTurn();
  }
  if (run_later_) until_run_ = shared_from_this();
}

// --- At the end of a turn ---

void StreamGroup::TellLater(Stream& stream) {
  try {
    if (!telling_all_) to_tell_.push_back(&stream);
    all_to_tell_ = all_to_tell_ || telling_all_;
  } catch (const std::bad_alloc&) {
    all_to_tell_ = true;
  }
  RunLater();
}

void StreamGroup::RunLater() {
  if (ended_) until_run_ = shared_from_this();  // also when a listener throws in the last turn
  if (std::exchange(run_later_, true)) return;
  loop_.RunAtTurnEnd(*this);
}

void StreamGroup::Run() {
  const std::shared_ptr<StreamGroup> alive = shared_from_this();
  until_run_ = nullptr;
  run_later_ = false;
  EndTurn();
}

// What is added meanwhile waits for the next time. What a listener throws leaves the rest for then.
void StreamGroup::EndTurn() {
  class Rest {
   public:
    explicit Rest(StreamGroup& group) : group_(group) {}
    ~Rest() {
      group_.to_tell_.erase(group_.to_tell_.begin(),
                            group_.to_tell_.begin() + static_cast<std::ptrdiff_t>(done));
      if (!group_.to_tell_.empty() || group_.all_to_tell_) group_.RunLater();
    }
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;
    std::size_t done = 0;

   private:
    StreamGroup& group_;
  };
  Rest rest(*this);
  const std::size_t all = to_tell_.size();
  while (rest.done < all) TellOne(*to_tell_[rest.done++]);
  if (!all_to_tell_) return;
  to_tell_.clear();  // those on the list wait, too
  rest.done = 0;
  TellAll();
}

void StreamGroup::TellOne(Stream& stream) {
  stream.finished() ? TellClosed(stream) : stream.EndTurn();
}

// Those that wait though they are on no list. What a listener throws leaves the rest for later.
void StreamGroup::TellAll() {
  all_to_tell_ = false;
  telling_all_ = true;
  try {
    streams_.ForEach([this](Stream& stream) {
      if (stream.waits()) TellOne(stream);
    });
  } catch (...) {
    telling_all_ = false;
    all_to_tell_ = true;
    throw;
  }
  telling_all_ = false;
}

void StreamGroup::TellClosed(Stream& stream) {
  const auto gone = [this](Stream* closed) {
    streams_.Remove(*closed);
    --size_;
    if (owner_ != nullptr) owner_->StreamGone();
  };
  const std::unique_ptr<Stream, decltype(gone)> goes(&stream, gone);  // also when that throws
  stream.TellClosed();
}

}  // namespace belfry
