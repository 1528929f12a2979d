// What ConnectionEvents does with sockets, FakeConnections does in a world: the same tests for
// both.

#include <gmock/gmock.h>

#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/connection_events.h"
#include "belfry/testing/fake_connections.h"
#include "belfry/testing/recorder.h"
#include "belfry/testing/world.h"
#include "io/client.h"

namespace belfry::testing {
namespace {

using Why = ConnectionClosed::Why;
using ::testing::ElementsAre;

class Peer {
 public:
  virtual ~Peer() = default;
  virtual void Send(const std::string& data) = 0;
  virtual void End() = 0;
  virtual void Reset() = 0;
  virtual std::string Receive(std::size_t size) = 0;
};

// Where the connections are.
class Net {
 public:
  virtual ~Net() = default;
  virtual Dispatcher& dispatcher() = 0;
  virtual Connections& connections() = 0;
  virtual void EndConnections() = 0;
  virtual std::unique_ptr<Peer> Open() = 0;
  // Until so many events of connections have been published.
  virtual void Await(std::size_t events) = 0;
  virtual Record record() const = 0;
};

class Sockets final : public Net {
 public:
  Sockets()
      : server_(std::make_unique<ConnectionEvents>(loop_, dispatcher_)),
        port_(server_->Listen(*Endpoint::Parse("127.0.0.1:0"))->port()) {}
  ~Sockets() override { EndConnections(); }
  Dispatcher& dispatcher() override { return dispatcher_; }
  Connections& connections() override { return *server_; }
  void EndConnections() override {
    loop_.Stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  std::unique_ptr<Peer> Open() override {
    if (!thread_.joinable()) thread_ = std::thread([this] { loop_.Run(); });
    return std::make_unique<Socket>(port_);
  }
  void Await(std::size_t events) override {
    EXPECT_TRUE(Eventually([&] { return recorder_.record().events.size() >= events; }));
  }
  Record record() const override { return recorder_.record(); }

 private:
  class Socket final : public Peer {
   public:
    explicit Socket(std::uint16_t port) : client_(port) {}
    void Send(const std::string& data) override { EXPECT_TRUE(client_.Send(data)); }
    void End() override { client_.EndSending(); }
    void Reset() override { client_.Reset(); }
    std::string Receive(std::size_t size) override { return client_.Receive(size); }

   private:
    Client client_;
  };

  Recorder recorder_;
  Dispatcher dispatcher_{{.pool = {.threads = 1}, .observer = &recorder_}};
  EventLoop loop_;
  std::unique_ptr<ConnectionEvents> server_;
  const std::uint16_t port_;
  std::thread thread_;
};

class InWorld final : public Net {
 public:
  Dispatcher& dispatcher() override { return world_.dispatcher(); }
  Connections& connections() override { return *connections_; }
  void EndConnections() override { connections_.reset(); }
  std::unique_ptr<Peer> Open() override {
    return std::make_unique<Played>(world_, *connections_, connections_->Open());
  }
  void Await(std::size_t /*events*/) override { world_.RunFor(std::chrono::seconds(2)); }
  Record record() const override { return world_.record(); }

 private:
  class Played final : public Peer {
   public:
    Played(World& world, FakeConnections& connections, ConnectionId id)
        : world_(world), connections_(connections), id_(id) {}
    void Send(const std::string& data) override { connections_.Receive(id_, data); }
    void End() override { connections_.ClosePeer(id_); }
    void Reset() override { connections_.Break(id_, ECONNRESET); }
    std::string Receive(std::size_t size) override {
      world_.Run();
      return connections_.Written(id_).substr(0, size);
    }

   private:
    World& world_;
    FakeConnections& connections_;
    const ConnectionId id_;
  };

  World world_;
  std::unique_ptr<FakeConnections> connections_ = std::make_unique<FakeConnections>(world_);
};

using MakeNet = std::unique_ptr<Net> (*)();
template <class N>
std::unique_ptr<Net> Make() {
  return std::make_unique<N>();
}

class ConnectionsContractTest : public ::testing::TestWithParam<std::pair<const char*, MakeNet>> {
 protected:
  template <class F>
  void Listen(F listener, ListenerOptions options = {.run = Run::kInline}) {
    listeners_.push_back(net_->dispatcher().Subscribe(std::move(listener), std::move(options)));
  }
  void Echo(ListenerOptions options) {
    Listen([this](const DataReceived& e) { net_->connections().Write(e.connection, e.data); },
           std::move(options));
  }

  // What was published: "opened", "hello", "closed 0".
  std::vector<std::string> Story(std::size_t events) {
    net_->Await(events);
    std::vector<std::string> story;
    for (const RecordedEvent& event : net_->record().events) {
      if (event.As<ConnectionOpened>() != nullptr) story.emplace_back("opened");
      if (const auto* data = event.As<DataReceived>()) story.push_back(data->data);
      if (const auto* closed = event.As<ConnectionClosed>()) {
        story.push_back(Closed(closed->why, closed->error));
      }
    }
    return story;
  }
  static std::string Closed(Why why, int error = 0) {
    return "closed " + std::to_string(static_cast<int>(why)) + " " + std::to_string(error);
  }

  const std::unique_ptr<Net> net_ = GetParam().second();

 private:
  std::vector<Subscription> listeners_;
};

TEST_P(ConnectionsContractTest, OpenedThenDataThenTheEndOfThePeer) {
  Echo({.run = Run::kInline});
  const auto peer = net_->Open();
  peer->Send("hello");
  EXPECT_EQ(peer->Receive(5), "hello");
  peer->End();
  EXPECT_THAT(Story(3), ElementsAre("opened", "hello", Closed(Why::kPeer)));
}

TEST_P(ConnectionsContractTest, QueuedListenersWriteToo) {
  Echo({.run = Run::kQueued});
  const auto peer = net_->Open();
  peer->Send("hello");
  EXPECT_EQ(peer->Receive(5), "hello");
}

TEST_P(ConnectionsContractTest, EachEventIsAStoryOfItsOwnLinkedToTheOpening) {
  std::vector<EventId> links;
  Listen([&](const DataReceived&, Context& context) {
    links.assign(context.envelope().links().begin(), context.envelope().links().end());
  });
  const auto peer = net_->Open();
  peer->Send("x");
  net_->Await(2);
  peer->End();
  ASSERT_EQ(Story(3).size(), 3U);
  const Record record = net_->record();
  for (const RecordedEvent& event : record.events) {
    EXPECT_EQ(event.correlation, event.id);
    EXPECT_FALSE(event.cause);
  }
  net_->EndConnections();
  EXPECT_THAT(links, ElementsAre(record.events[0].id));
}

TEST_P(ConnectionsContractTest, WhatIsWrittenBeforeACloseArrives) {
  Listen([this](const DataReceived& e) {
    net_->connections().Write(e.connection, "bye");
    net_->connections().Close(e.connection);
    net_->connections().Write(e.connection, "too late");
  });
  const auto peer = net_->Open();
  peer->Send("x");
  EXPECT_EQ(peer->Receive(100), "bye");
  peer->End();
  EXPECT_THAT(Story(3), ElementsAre("opened", "x", Closed(Why::kLocal)));
}

TEST_P(ConnectionsContractTest, AnAbortInsideAnEventComesAfterIt) {
  std::vector<std::string> seen;
  Listen([&](const DataReceived& e) {
    net_->connections().Abort(e.connection);
    seen.push_back(e.data);
  });
  Listen([&](const ConnectionClosed&) { seen.emplace_back("closed"); });
  const auto peer = net_->Open();
  peer->Send("x");
  EXPECT_THAT(Story(3), ElementsAre("opened", "x", Closed(Why::kLocal)));
  net_->EndConnections();
  EXPECT_THAT(seen, ElementsAre("x", "closed"));
}

TEST_P(ConnectionsContractTest, AResetEndsItAlsoWhileReadingIsPaused) {
  Listen([this](const ConnectionOpened& e) { net_->connections().PauseReading(e.connection); });
  const auto peer = net_->Open();
  peer->Send("lost");
  net_->Await(1);
  peer->Reset();
  EXPECT_THAT(Story(2), ElementsAre("opened", Closed(Why::kError, ECONNRESET)));
}

TEST_P(ConnectionsContractTest, WhatCameWhileReadingWasPausedComesLater) {
  Listen([this](const ConnectionOpened& e) { net_->connections().PauseReading(e.connection); });
  const auto peer = net_->Open();
  net_->Await(1);
  peer->Send("a");
  peer->End();
  net_->connections().ResumeReading(net_->record().events.at(0).As<ConnectionOpened>()->connection);
  EXPECT_THAT(Story(3), ElementsAre("opened", "a", Closed(Why::kPeer)));
}

TEST_P(ConnectionsContractTest, TheEndOfTheServerIsToldForEachConnection) {
  const auto one = net_->Open();
  const auto other = net_->Open();
  net_->Await(2);
  net_->EndConnections();
  EXPECT_THAT(Story(4),
              ElementsAre("opened", "opened", Closed(Why::kShutdown), Closed(Why::kShutdown)));
}

INSTANTIATE_TEST_SUITE_P(, ConnectionsContractTest,
                         ::testing::Values(std::pair("ConnectionEvents", &Make<Sockets>),
                                           std::pair("FakeConnections", &Make<InWorld>)),
                         [](const auto& test) { return test.param.first; });

}  // namespace
}  // namespace belfry::testing
