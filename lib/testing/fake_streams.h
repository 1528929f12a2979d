// The connections of one FakeServer or FakeConnector, and what they share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "belfry/connection.h"
#include "belfry/executor.h"
#include "belfry/testing/world.h"
#include "testing/fake_stream.h"

namespace belfry::testing {

// What lib/io/stream_group.h is to streams.
//
// Thread safety: the world's thread. Lifetime: held by a shared_ptr. End, then it stays for as long
// as a turn of the loop may still be inside of it.
class FakeStreams final : public Runnable, public std::enable_shared_from_this<FakeStreams> {
 public:
  FakeStreams(World& world, const ConnectionOptions& options);

  FakeStream& Add(std::shared_ptr<FakeLink> link, HeldListener listener);
  FakeStream* Find(ConnectionId id);
  void Defer(ConnectionId id, std::function<void(Connection&)> work);
  void ForEach(const std::function<void(FakeStream&)>& visit);
  void CloseAll(ConnectionClosed::Why why);
  // Aborts all. Outside of a turn it is over at once.
  void End();
  bool ended() const { return ended_; }
  // `gone` is called whenever one has gone.
  void SetGone(std::function<void()> gone) { gone_ = std::move(gone); }

  std::uint64_t id() const { return id_; }
  std::size_t open() const { return open_; }
  std::size_t size() const { return streams_.size(); }  // closed ones that are not gone included

  // --- For streams ---
  World& world() { return world_; }
  const ConnectionOptions& options() const { return options_; }
  bool MayKeep() const { return unsent_ <= options_.write_buffers_max; }
  void Kept(std::size_t bytes) { unsent_ += bytes; }
  void Sent(std::size_t bytes) { unsent_ -= bytes; }
  void Closed() { --open_; }
  // EndTurn is called at the end of the turn.
  void TellLater(FakeStream& stream);

 private:
  void Run() override;
  void RunLater();
  void EndTurn();
  void TellClosed(FakeStream& stream);

  World& world_;
  const ConnectionOptions options_;
  const std::uint64_t id_;
  std::map<std::uint64_t, std::unique_ptr<FakeStream>> streams_;  // by number
  std::uint64_t last_number_ = 0;
  std::size_t open_ = 0;
  std::size_t unsent_ = 0;
  std::deque<FakeStream*> to_tell_;
  bool run_later_ = false;  // the loop will call Run
  bool ended_ = false;
  std::shared_ptr<FakeStreams> until_run_;
  std::function<void()> gone_;
};

}  // namespace belfry::testing
