#include "belfry/connection_events.h"

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include "io/connecting.h"
#include "io/event_connection.h"
#include "io/server_core.h"

namespace belfry {

namespace {

void PauseReadingOf(Stream& stream, bool paused) {
  static_cast<EventConnection&>(stream.listener()).SetPaused(paused);
}

}  // namespace

class ConnectionEvents::Impl final : public std::enable_shared_from_this<Impl>,
                                     public EventConnectionHost,
                                     private OutboxOwner {
 public:
  using Why = ConnectionClosed::Why;

  Impl(EventLoop& loop, Dispatcher& dispatcher, ConnectionOptions options)
      : loop_(loop),
        dispatcher_(dispatcher),
        options_(options),
        clients_(std::make_shared<StreamGroup>(loop, options_)) {}

  void Start() {
    source_ = dispatcher_.AddSource("connections", [weak = weak_from_this(), &loop = loop_] {
      loop.Post([weak] {
        if (const auto self = weak.lock()) self->CloseAll();
      });
    });
  }

  absl::StatusOr<Endpoint> Listen(const Endpoint& endpoint, ListenOptions options);
  absl::StatusOr<ConnectionId> Connect(const Endpoint& endpoint) {
    return OpenConnection(*clients_, endpoint, NewListener(nullptr));
  }

  void StopAccepting() {
    for (const auto& server : servers_) server->StopAccepting();
  }

  // Listeners that run inside of this cannot wait for the loop.
  void End() {
    source_ = Source();
    const ExecutorScope scope(loop_);
    ended_ = true;
    for (const auto& server : servers_) server->End();
    clients_->End();
    // What the dispatcher still refuses is not published any more. An outbox that is publishing
    // now goes with this object.
    for (const Late& late : late_) late.outbox->Stop();
  }

  // Runs `work`, which calls nobody, on the loop: now if this is its thread, else if this is there
  // then.
  template <class F>
  void OnLoop(const F& work) {
    if (loop_.in_loop_thread()) {
      work(*this);
    } else {
      PostToLoop(work);
    }
  }
  // The same with a connection that is there then.
  template <class F>
  void OnConnection(ConnectionId id, const F& work) {
    OnLoop([id, work](Impl& self) { self.WithConnection(id, work); });
  }
  void Write(ConnectionId id, std::string_view data) {
    const auto write = [](std::string_view written) {
      return [written](Stream& stream) { stream.Write(written); };
    };
    if (loop_.in_loop_thread()) {
      WithConnection(id, write(data));
    } else {
      PostToLoop([id, write, kept = std::string(data)](Impl& self) {
        self.WithConnection(id, write(kept));
      });
    }
  }

  void Defer(ConnectionId id, std::function<void()> work) {
    clients_->Defer(id, [work = std::move(work)](Connection&) { work(); });
  }

  std::uint64_t id() const { return clients_->id(); }
  std::size_t connections() const {
    const sync::Lock lock(mutex_);
    std::size_t all = clients_->open();
    for (const auto& server : servers_) all += server->group().open();
    return all;
  }

  EventLoop& loop() override { return loop_; }
  Dispatcher& dispatcher() override { return dispatcher_; }
  DataReceived& received() override { return received_; }
  void Keep(std::unique_ptr<Outbox> outbox, std::shared_ptr<ServerCore> server) override;

 private:
  template <class F>
  void PostToLoop(F work) {
    loop_.Post([weak = weak_from_this(), work = std::move(work)] {
      if (const auto self = weak.lock()) work(*self);
    });
  }
  template <class F>
  void WithConnection(ConnectionId id, const F& work) {
    Stream* const stream = clients_->Find(id);
    if (stream != nullptr) work(*stream);
  }

  // Events of a connection that is gone. It takes its place in the server until they are accepted.
  struct Late {
    std::unique_ptr<Outbox> outbox;
    std::shared_ptr<ServerCore> server;  // null: it was a client's
  };

  HeldListener NewListener(std::shared_ptr<ServerCore> server) {
    return HeldListener(std::make_unique<EventConnection>(shared_from_this(), std::move(server)));
  }
  void CloseAll() {
    StopAccepting();
    for (const auto& server : servers_) server->group().CloseAll(Why::kShutdown);
    clients_->CloseAll(Why::kShutdown);
  }
  void OutboxEmptied(Outbox& outbox) override;
  std::shared_ptr<void> Alive() override { return shared_from_this(); }

  EventLoop& loop_;
  Dispatcher& dispatcher_;
  const ConnectionOptions options_;
  Source source_;
  const std::shared_ptr<StreamGroup> clients_;
  DataReceived received_;
  std::list<Late> late_;
  bool ended_ = false;
  // Changed on the loop's thread, which reads them without the lock. Their groups have the id of
  // clients_.
  mutable sync::Mutex mutex_;
  std::vector<std::shared_ptr<ServerCore>> servers_;
};

absl::StatusOr<Endpoint> ConnectionEvents::Impl::Listen(const Endpoint& endpoint,
                                                        ListenOptions options) {
  if (ended_) return absl::FailedPreconditionError("whoever listens has ended");
  const auto told = std::make_shared<std::weak_ptr<ServerCore>>();
  auto core = ServerCore::Listen(
      loop_, endpoint, [this, told] { return NewListener(told->lock()); },
      {.backlog = options.backlog,
       .connections_max = options.connections_max,
       .share_port = options.share_port,
       .accept_failed =
           [this, told](int error) {
             dispatcher_.Publish(AcceptFailed{told->lock()->endpoint().text(), error},
                                 {.cause = Cause{}});
           },
       .connections = options_},
      id());
  if (!core.ok()) return core.status();
  *told = *core;
  const sync::Lock lock(mutex_);
  servers_.push_back(*core);
  return (*core)->endpoint();
}

void ConnectionEvents::Impl::Keep(std::unique_ptr<Outbox> outbox,
                                  std::shared_ptr<ServerCore> server) {
  if (ended_) return;
  outbox->SetOwner(*this);
  if (server != nullptr) server->Hold();
  late_.push_back({std::move(outbox), std::move(server)});
}

void ConnectionEvents::Impl::OutboxEmptied(Outbox& outbox) {
  const auto late = std::find_if(late_.begin(), late_.end(),
                                 [&](const Late& one) { return one.outbox.get() == &outbox; });
  const std::shared_ptr<ServerCore> server = late->server;
  late_.erase(late);
  if (server != nullptr) server->LetGo();
}

// --- ConnectionEvents ---

ConnectionEvents::ConnectionEvents(EventLoop& loop, Dispatcher& dispatcher,
                                   ConnectionOptions options)
    : impl_(std::make_shared<Impl>(loop, dispatcher, options)) {
  impl_->Start();
}
ConnectionEvents::~ConnectionEvents() { impl_->End(); }

absl::StatusOr<Endpoint> ConnectionEvents::Listen(const Endpoint& endpoint, ListenOptions options) {
  return impl_->Listen(endpoint, options);
}
absl::StatusOr<ConnectionId> ConnectionEvents::Connect(const Endpoint& endpoint) {
  return impl_->Connect(endpoint);
}
std::uint64_t ConnectionEvents::id() const { return impl_->id(); }
std::size_t ConnectionEvents::connections() const { return impl_->connections(); }
void ConnectionEvents::StopAccepting() {
  impl_->OnLoop([](Impl& impl) { impl.StopAccepting(); });
}

void ConnectionEvents::Write(ConnectionId connection, std::string_view data) {
  impl_->Write(connection, data);
}
void ConnectionEvents::Flush(ConnectionId connection) {
  impl_->OnConnection(connection, [](Stream& stream) { stream.Flush(); });
}
void ConnectionEvents::Close(ConnectionId connection) {
  impl_->OnConnection(connection, [](Stream& stream) { stream.Close(); });
}
void ConnectionEvents::EndWriting(ConnectionId connection) {
  impl_->OnConnection(connection, [](Stream& stream) { stream.EndWriting(); });
}
void ConnectionEvents::Abort(ConnectionId connection) {
  impl_->OnConnection(connection, [](Stream& stream) { stream.Abort(); });
}
void ConnectionEvents::PauseReading(ConnectionId connection) {
  impl_->OnConnection(connection, [](Stream& stream) { PauseReadingOf(stream, true); });
}
void ConnectionEvents::ResumeReading(ConnectionId connection) {
  impl_->OnConnection(connection, [](Stream& stream) { PauseReadingOf(stream, false); });
}
void ConnectionEvents::Defer(ConnectionId connection, std::function<void()> work) {
  impl_->Defer(connection, std::move(work));
}

}  // namespace belfry
