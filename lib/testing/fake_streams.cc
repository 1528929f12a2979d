#include "testing/fake_streams.h"

#include <utility>
#include <vector>

namespace belfry::testing {
namespace {

// Above those of connections by events, which are numbered as sources of their dispatcher.
constexpr std::uint64_t kFirstId = std::uint64_t{1} << 32;

ConnectionOptions Clamped(ConnectionOptions options) {
  options.write_buffer_high = std::min(options.write_buffer_high, options.write_buffer_max);
  options.write_buffer_low = std::min(options.write_buffer_low, options.write_buffer_high);
  return options;
}

}  // namespace

FakeStreams::FakeStreams(World& world, const ConnectionOptions& options)
    : world_(world),
      options_(Clamped(options)),
      id_(kFirstId + world.dispatcher().NewEventId().sequence) {}

FakeStream& FakeStreams::Add(std::shared_ptr<FakeLink> link, HeldListener listener) {
  const std::uint64_t number = ++last_number_;
  ++open_;
  return *streams_
              .emplace(number, std::make_unique<FakeStream>(*this, number, std::move(link),
                                                            std::move(listener)))
              .first->second;
}

FakeStream* FakeStreams::Find(ConnectionId id) {
  const auto found = streams_.find(id.number);
  if (id.server != id_ || found == streams_.end() || found->second->finished()) return nullptr;
  return found->second.get();
}

void FakeStreams::Defer(ConnectionId id, std::function<void(Connection&)> work) {
  FakeStream* const deferring = Find(id);
  if (deferring == nullptr) return;
  const std::shared_ptr<FakeLink> link = deferring->shared_link();
  ++link->deferred;
  world_.loop().Post([weak = weak_from_this(), id, link, work = std::move(work)] {
    --link->deferred;
    const auto self = weak.lock();
    FakeStream* const stream = self == nullptr ? nullptr : self->Find(id);
    if (stream != nullptr) work(*stream);
  });
}

// Others may come or go meanwhile.
void FakeStreams::ForEach(const std::function<void(FakeStream&)>& visit) {
  std::vector<FakeStream*> all;
  for (const auto& [number, stream] : streams_) all.push_back(stream.get());
  for (FakeStream* const stream : all) {
    if (!stream->finished()) visit(*stream);
  }
}

void FakeStreams::CloseAll(ConnectionClosed::Why why) {
  ForEach([why](FakeStream& stream) { stream.CloseBecause(why); });
}

void FakeStreams::End() {
  gone_ = nullptr;
  ended_ = true;
  ForEach([](FakeStream& stream) { stream.AbortBecause(ConnectionClosed::Why::kShutdown); });
  if (!world_.loop().in_turn()) {
    while (!to_tell_.empty()) EndTurn();
  }
  if (run_later_) until_run_ = shared_from_this();
}

// --- At the end of a turn ---

void FakeStreams::TellLater(FakeStream& stream) {
  to_tell_.push_back(&stream);
  RunLater();
}

void FakeStreams::RunLater() {
  if (ended_) until_run_ = shared_from_this();  // also when a listener throws in the last turn
  if (std::exchange(run_later_, true)) return;
  world_.loop().RunAtTurnEnd(*this);
}

void FakeStreams::Run() {
  const std::shared_ptr<FakeStreams> alive = shared_from_this();
  until_run_ = nullptr;
  run_later_ = false;
  EndTurn();
}

// What is added meanwhile waits for the next time. What a listener throws leaves the rest for then.
void FakeStreams::EndTurn() {
  std::size_t left = to_tell_.size();
  try {
    for (; left > 0; --left) {
      FakeStream& stream = *to_tell_.front();
      to_tell_.pop_front();
      stream.finished() ? TellClosed(stream) : stream.EndTurn();
    }
  } catch (...) {
    if (left > 1) RunLater();
    throw;
  }
}

void FakeStreams::TellClosed(FakeStream& stream) {
  const auto gone = [this](FakeStream* closed) {
    streams_.erase(closed->id().number);
    if (gone_) gone_();
  };
  const std::unique_ptr<FakeStream, decltype(gone)> goes(&stream, gone);  // also when that throws
  stream.TellClosed();
}

}  // namespace belfry::testing
