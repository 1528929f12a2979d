#include "belfry/testing/fake_server.h"

#include <deque>
#include <utility>

#include "belfry/check.h"
#include "belfry/testing/world.h"
#include "testing/fake_streams.h"

namespace belfry::testing {

using Why = ConnectionClosed::Why;

class FakeServer::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  using GiveListener = std::function<HeldListener()>;

  Impl(World& world, GiveListener give, const ServerOptions& options)
      : world_(world),
        give_(std::move(give)),
        connections_max_(options.connections_max),
        group_(std::make_shared<FakeStreams>(world, options.connections)) {
    BELFRY_CHECK(connections_max_ > 0, "ServerOptions::connections_max is 0");
    group_->SetGone([this] { AcceptLater(); });
  }

  void Comes(std::shared_ptr<FakeLink> link) {
    if (!accepting_) return TurnAway(*link);
    coming_.push_back(std::move(link));
    AcceptLater();
  }

  void StopAccepting() {
    accepting_ = false;
    for (const auto& link : coming_) TurnAway(*link);
    coming_.clear();
    world_.Cancel(std::exchange(accepting_one_, OperationId{}));
  }

  void End() {
    StopAccepting();
    group_->End();
  }

  const Endpoint& endpoint() const { return endpoint_; }
  FakeStreams& group() { return *group_; }

 private:
  static void TurnAway(FakeLink& link) { link.refused = link.told_end = link.peer_ended = true; }

  bool HasRoom() const { return group_->size() < connections_max_; }

  // One after the other, as they came.
  void AcceptLater() {
    if (accepting_one_ || coming_.empty() || !HasRoom()) return;
    accepting_one_ =
        world_.FinishInTurn(coming_.front()->name + " connects", [self = shared_from_this()] {
          self->world_.Cancel(std::exchange(self->accepting_one_, OperationId{}));
          if (!self->coming_.empty() && self->HasRoom()) self->Accept();
        });
  }

  void Accept() {
    const std::shared_ptr<FakeLink> link = std::move(coming_.front());
    coming_.pop_front();
    AcceptLater();
    HeldListener listener = give_();
    if (listener.get() == nullptr || group_->ended()) return TurnAway(*link);
    group_->Add(link, std::move(listener)).OpenAccepted();
  }

  World& world_;
  const Endpoint endpoint_ = *Endpoint::Parse("127.0.0.1:7000");
  const GiveListener give_;
  const std::size_t connections_max_;
  const std::shared_ptr<FakeStreams> group_;
  std::deque<std::shared_ptr<FakeLink>> coming_;
  OperationId accepting_one_;  // a step
  bool accepting_ = true;
};

FakeServer::FakeServer(World& world, ConnectionListener& listener, const ServerOptions& options)
    : impl_(std::make_shared<Impl>(
          world, [&listener] { return HeldListener(listener); }, options)) {}
FakeServer::FakeServer(World& world, MakeConnectionListener make, const ServerOptions& options)
    : impl_(std::make_shared<Impl>(
          world, [make = std::move(make)] { return HeldListener(make()); }, options)) {}
FakeServer::~FakeServer() { impl_->End(); }

FakePeer FakeServer::Open(std::string from) {
  const auto link = std::make_shared<FakeLink>(FakeLink{.name = std::move(from)});
  impl_->Comes(link);
  return FakePeer(link);
}

const Endpoint& FakeServer::endpoint() const { return impl_->endpoint(); }
std::size_t FakeServer::connections() const { return impl_->group().open(); }
void FakeServer::ForEach(const std::function<void(Connection&)>& visit) {
  impl_->group().ForEach([&](FakeStream& stream) { visit(stream); });
}
void FakeServer::StopAccepting() { impl_->StopAccepting(); }
void FakeServer::CloseAll() {
  impl_->StopAccepting();
  impl_->group().CloseAll(Why::kShutdown);
}
void FakeServer::Defer(ConnectionId connection, std::function<void(Connection&)> work) {
  impl_->group().Defer(connection, std::move(work));
}

}  // namespace belfry::testing
