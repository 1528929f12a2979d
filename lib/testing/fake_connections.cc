#include "belfry/testing/fake_connections.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "testing/fake_connection.h"

namespace belfry::testing {

using Why = ConnectionClosed::Why;

class FakeConnections::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(World& world, FakeConnectionsOptions options)
      : loop(std::make_shared<FakeLoop>(FakeLoop{world, options.write_buffer_max})) {}

  void Start() {
    source_ = loop->world.dispatcher().AddSource("connections", [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->OnLoop([](Impl& impl) {
        for (const auto& connection : impl.All()) connection->Close(Why::kShutdown);
      });
    });
  }

  void Finish() {
    source_ = Source();
    for (const auto& connection : All()) {
      connection->Abort(Why::kShutdown);
      connection->Leave();
    }
    loop->world.Cancel(next_posted_);  // what is still to be done is not
    loop.reset();
  }

  ConnectionId Open(std::string peer) {
    const ConnectionId id{source_.id(), connections_.size() + 1};
    const auto connection = std::make_shared<FakeConnection>(loop, id, std::move(peer));
    connections_.emplace(id.number, connection);
    connection->Open();
    return id;
  }

  // The connection whose peer the test plays.
  FakeConnection& Peer(ConnectionId id) const {
    const auto connection = Find(id);
    if (connection != nullptr) return *connection;
    ADD_FAILURE() << "there is no connection " << id.number;
    static const auto nobody =
        std::make_shared<FakeConnection>(std::weak_ptr<FakeLoop>(), ConnectionId{}, "nobody");
    return *nobody;
  }

  // Does that to the connection, if there is one: now in an event of its own, else as a step; steps
  // of these come in order, so one at a time is enough.
  template <class F>
  void OnConnection(ConnectionId id, F work) {
    OnLoop([id, work = std::move(work)](Impl& self) {
      if (const auto connection = self.Find(id)) work(self, *connection);
    });
  }

  // What the system says to the next Write.
  int NextError() {
    const unsigned nth = ++writes_;
    if (const auto fails = failing.find(nth); fails != failing.end()) return fails->second;
    const auto may_fail = may_be_failing.find(nth);
    return may_fail != may_be_failing.end() && loop->world.ChooseFault() ? may_fail->second : 0;
  }

 private:
  using Work = std::function<void(Impl&)>;

  std::shared_ptr<FakeConnection> Find(ConnectionId id) const {
    const auto found = connections_.find(id.number);
    return id.server == source_.id() && found != connections_.end() ? found->second : nullptr;
  }
  std::deque<std::shared_ptr<FakeConnection>> All() const {
    std::deque<std::shared_ptr<FakeConnection>> all;
    for (const auto& [number, connection] : connections_) all.push_back(connection);
    return all;
  }

  void OnLoop(Work work) {
    if (loop == nullptr) return;
    if (loop->publishing > 0) return work(*this);
    posted_.push_back(std::move(work));
    if (posted_.size() == 1) PostNext();
  }

  void PostNext() {
    const auto run = [this] {
      const auto self = shared_from_this();
      posted_.front()(*this);
      posted_.pop_front();
      if (!posted_.empty() && loop != nullptr) PostNext();
    };
    next_posted_ = loop->world.FinishLater("what the program does to a connection", run);
  }

  Source source_;
  std::map<std::uint64_t, std::shared_ptr<FakeConnection>> connections_;  // also those that ended
  std::deque<Work> posted_;
  OperationId next_posted_;  // the step that does the first of these
  unsigned writes_ = 0;

 public:
  std::shared_ptr<FakeLoop> loop;  // null at the end
  std::map<unsigned, int> failing;
  std::map<unsigned, int> may_be_failing;
};

FakeConnections::FakeConnections(World& world, FakeConnectionsOptions options)
    : impl_(std::make_shared<Impl>(world, options)) {
  impl_->Start();
}
FakeConnections::~FakeConnections() { impl_->Finish(); }

// --- The program's side ---

void FakeConnections::Write(ConnectionId connection, std::string_view data) {
  impl_->OnConnection(connection, [kept = std::string(data)](Impl& impl, FakeConnection& c) {
    c.Write(kept, impl.NextError());
  });
}
void FakeConnections::Close(ConnectionId connection) {
  impl_->OnConnection(connection, [](Impl&, FakeConnection& c) { c.Close(Why::kLocal); });
}
void FakeConnections::EndWriting(ConnectionId connection) {
  impl_->OnConnection(connection, [](Impl&, FakeConnection& c) { c.EndWriting(); });
}
void FakeConnections::Abort(ConnectionId connection) {
  impl_->OnConnection(connection, [](Impl&, FakeConnection& c) { c.Abort(Why::kLocal); });
}
void FakeConnections::PauseReading(ConnectionId connection) {
  impl_->OnConnection(connection, [](Impl&, FakeConnection& c) { c.PauseReading(); });
}
void FakeConnections::ResumeReading(ConnectionId connection) {
  impl_->OnConnection(connection, [](Impl&, FakeConnection& c) { c.ResumeReading(); });
}

void FakeConnections::Defer(ConnectionId connection, std::function<void()> work) {
  impl_->OnConnection(connection,
                      [work = std::move(work)](Impl&, FakeConnection& c) { c.Defer(work); });
}

// --- The peers' side ---

ConnectionId FakeConnections::Open(std::string peer) { return impl_->Open(std::move(peer)); }
void FakeConnections::Receive(ConnectionId connection, std::string data) {
  impl_->Peer(connection).Arrives(std::move(data));
}
void FakeConnections::ReceiveInPieces(ConnectionId connection, std::string_view data,
                                      std::size_t piece) {
  for (std::size_t begin = 0; begin < data.size(); begin += piece) {
    impl_->Peer(connection).Arrives(std::string(data.substr(begin, piece)));
  }
}
void FakeConnections::ClosePeer(ConnectionId connection) { impl_->Peer(connection).End(); }
void FakeConnections::Break(ConnectionId connection, int error) {
  impl_->Peer(connection).Break(error);
}
void FakeConnections::StopReading(ConnectionId connection) {
  impl_->Peer(connection).StopReading();
}
void FakeConnections::ReadOn(ConnectionId connection) { impl_->Peer(connection).ReadOn(); }

void FakeConnections::SetLatency(std::optional<Nanoseconds> latency) {
  impl_->loop->latency = latency;
}
void FakeConnections::FailNth(unsigned nth, int error) { impl_->failing[nth] = error; }
void FakeConnections::MayFailNth(unsigned nth, int error) { impl_->may_be_failing[nth] = error; }

std::string FakeConnections::Written(ConnectionId connection) const {
  return impl_->Peer(connection).written();
}
std::optional<ConnectionClosed> FakeConnections::Ended(ConnectionId connection) const {
  return impl_->Peer(connection).ended();
}

}  // namespace belfry::testing
