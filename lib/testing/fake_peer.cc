#include "belfry/testing/fake_peer.h"

#include <algorithm>

#include "testing/fake_link.h"
#include "testing/fake_stream.h"

namespace belfry::testing {
namespace {

using Kind = FakeLink::Arrival::Kind;

void Add(FakeLink& link, FakeLink::Arrival arrival) {
  if (link.peer_ended) return;
  link.peer_ended = arrival.kind != Kind::kData;
  link.arrivals.push_back(std::move(arrival));
  if (link.stream != nullptr) link.stream->Pump();
}

void SetRoom(FakeLink& link, std::size_t room) {
  link.room = room;
  if (room > 0 && link.stream != nullptr) link.stream->PeerReadsOn();
}

}  // namespace

void FakePeer::Send(std::string data) {
  if (!data.empty()) Add(*link_, {.kind = Kind::kData, .data = std::move(data)});
}
void FakePeer::SendInPieces(std::string_view data, std::size_t piece) {
  piece = std::max<std::size_t>(piece, 1);
  for (std::size_t begin = 0; begin < data.size(); begin += piece) {
    Send(std::string(data.substr(begin, piece)));
  }
}
void FakePeer::End() { Add(*link_, {.kind = Kind::kEnd}); }
// Also after its end.
void FakePeer::Break(int error) {
  link_->peer_ended = link_->stream != nullptr && link_->stream->finished();
  Add(*link_, {.kind = Kind::kError, .error = error});
}

void FakePeer::StopReading() { SetRoom(*link_, 0); }
void FakePeer::ReadOn() { SetRoom(*link_, FakeLink::kAll); }
void FakePeer::Read(std::size_t bytes) { SetRoom(*link_, bytes); }
void FakePeer::StayOpen() { link_->stays_open = true; }

const std::string& FakePeer::received() const { return link_->received; }
bool FakePeer::told_end() const { return link_->told_end; }
bool FakePeer::refused() const { return link_->refused; }
std::optional<ConnectionClosed> FakePeer::ended() const { return link_->ended; }

Connection* FakePeer::connection() const {
  FakeStream* const stream = link_->stream;
  return stream == nullptr || stream->finished() ? nullptr : stream;
}
std::string FakePeer::unsent() const {
  return link_->stream == nullptr ? "" : std::string(link_->stream->unsent_data());
}
bool FakePeer::paused() const { return link_->stream != nullptr && link_->stream->paused(); }
std::size_t FakePeer::deferred() const { return link_->deferred; }

}  // namespace belfry::testing
