// How connections and servers end.

#include <csignal>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "io/tcp_fixture.h"

namespace belfry {
namespace {

using testing::ElementsAre;

// The client's window is small and it reads little by little, so the socket takes the answer in
// parts.
TEST_F(TcpServerTest, ASlowReaderGetsEveryByteAndThenTheEnd) {
  const std::string answer = Pattern(6 << 20);
  Listen([&](const DataReceived& e) {
    server_->Write(e.connection, answer);
    server_->Write(e.connection, "tail");
    server_->Close(e.connection);
    server_->Write(e.connection, "after the end: not sent");
  });
  Serve({.write_buffer_max = 16 << 20});
  Client client;
  client.LimitReceiveBuffer(4096);
  ASSERT_TRUE(client.Connect(port_));
  client.Send("go");
  std::string got;
  while (got.size() < answer.size() + 4) {
    const std::string some = client.ReceiveSome(30000);
    ASSERT_FALSE(some.empty());
    got += some;
  }
  EXPECT_TRUE(got == answer + "tail");
  EXPECT_EQ(client.ReceiveAll(), "");
  client.Close();
  EXPECT_EQ(closed_.Await().why, Why::kLocal);
}

TEST_F(TcpServerTest, APeerThatEndedItsSendingStillGetsWhatWasWritten) {
  const std::string answer = Pattern(16 << 20);
  Listen([&](const DataReceived& e) { server_->Write(e.connection, answer); });
  Serve();
  Client client;
  client.LimitReceiveBuffer(4096);
  ASSERT_TRUE(client.Connect(port_));
  client.Send("go");
  client.EndSending();
  EXPECT_TRUE(client.ReceiveAll() == answer);
  EXPECT_EQ(closed_.Await().why, Why::kPeer);
}

// Closing a socket with unread data resets it, and the reset may overtake the answer.
TEST_F(TcpServerTest, AnAnswerBeforeTheCloseReachesAPeerThatIsStillSending) {
  const std::string answer = Pattern(100000);
  Listen([&](const DataReceived& e) {
    server_->Write(e.connection, answer);
    server_->Close(e.connection);
  });
  Serve();
  const Client client(port_);
  ASSERT_TRUE(client.Send(Pattern(500000)));
  client.EndSending();
  EXPECT_TRUE(client.ReceiveAll() == answer);
  EXPECT_EQ(closed_.Await().why, Why::kLocal);
}

TEST_F(TcpServerTest, AResetClosesOnceWithItsErrorAndOthersGoOn) {
  ServeEcho();
  const Client other(port_);
  EXPECT_EQ(other.Echo("a"), "a");
  Client client(port_);
  EXPECT_EQ(client.Echo("x"), "x");
  client.Reset();
  const ConnectionClosed closed = closed_.Await();
  EXPECT_EQ(closed.why, Why::kError);
  EXPECT_EQ(closed.error, ECONNRESET);
  EXPECT_EQ(other.Echo("b"), "b");
}

TEST_F(TcpServerTest, AResetIsNoticedWhileReadingIsPaused) {
  Listen([this](const ConnectionOpened& e) { server_->PauseReading(e.connection); });
  Serve();
  Client client(port_);
  opened_.Await();
  client.Send("never read");
  client.Reset();
  EXPECT_EQ(closed_.Await().why, Why::kError);
}

// After the peer's end the first write provokes a reset, and the second one meets it.
TEST_F(TcpServerTest, WritingToAPeerThatIsGoneRaisesNoSignal) {
  std::signal(SIGPIPE, SIG_DFL);
  Gate gone;
  Listen([&](const DataReceived& e) {
    gone.Wait();
    for (int i = 0; i < 100; ++i) server_->Write(e.connection, std::string(10000, 'x'));
  });
  Serve();
  Client client(port_);
  client.Send("go");
  client.Close();
  gone.Open();
  const ConnectionClosed closed = closed_.Await();
  EXPECT_EQ(closed.why, Why::kError);
  EXPECT_EQ(closed.error, EPIPE);
}

TEST_F(TcpServerTest, APeerThatNeverReadsIsCutOffAtTheLimit) {
  Serve({.write_buffer_max = 100000});
  const Client client(port_);
  const ConnectionId connection = opened_.Await().connection;
  EXPECT_TRUE(Eventually([&] {
    server_->Write(connection, std::string(50000, 'x'));
    return closed_.size() == 1;
  }));
  EXPECT_EQ(closed_.Await().why, Why::kNotRead);
}

TEST_F(TcpServerTest, AWriteLargerThanTheLimitIsSentToAPeerThatReads) {
  Listen([this](const DataReceived& e) { server_->Write(e.connection, Pattern(8 << 20)); });
  Serve({.write_buffer_max = 1000});
  const Client client(port_);
  client.Send("go");
  EXPECT_TRUE(client.Receive(8 << 20) == Pattern(8 << 20));
}

// Listeners that come after it in the same event still see the connection's events in order.
TEST_F(TcpServerTest, AListenerMayAbortItsConnectionInsideAnyEvent) {
  Recorder<std::string> order;
  for (const bool in_opened : {true, false}) {
    subscriptions_.clear();
    subscriptions_.push_back(dispatcher_->Subscribe(
        [&](const ConnectionOpened& e) {
          opened_.Add(e);
          if (in_opened) server_->Abort(e.connection);
        },
        {.run = Run::kInline}));
    Listen([&](const ConnectionOpened&) { order.Add("opened"); });
    Listen([&](const DataReceived& e) {
      server_->Write(e.connection, "x");
      server_->Abort(e.connection);
      server_->Abort(e.connection);
      server_->Write(e.connection, "y");
    });
    Listen([&](const DataReceived&) { order.Add("data"); });
    Listen([&](const ConnectionClosed& e) {
      order.Add("closed");
      server_->Abort(e.connection);
      closed_.Add(e);
    });
    if (server_ == nullptr) Serve();
    const Client client(port_);
    client.Send("hello");
    EXPECT_EQ(closed_.Await(in_opened ? 1 : 2).why, Why::kLocal);
  }
  EXPECT_THAT(order.all(), ElementsAre("opened", "closed", "opened", "data", "closed"));
}

TEST_F(TcpServerTest, TheServerMayGoInsideItsOwnEvents) {
  for (int round = 0; round < 3; ++round) {
    subscriptions_.resize(2);
    Gate gone;
    const auto destroy = [&] {
      server_.reset();
      gone.Open();
    };
    if (round == 0) Listen([&](const ConnectionOpened&) { destroy(); });
    if (round == 1) Listen([&](const DataReceived&) { destroy(); });
    if (round == 2) Listen([&](const ConnectionClosed&) { destroy(); });
    Serve();
    Client client(port_);
    client.Send("hello");
    if (round == 2) client.Close();
    gone.Wait();
    closed_.Await(static_cast<std::size_t>(round) + 1);
    StopLoop();
  }
}

TEST_F(TcpServerTest, ShutdownOfTheDispatcherClosesTheServer) {
  ServeEcho();
  const Client client(port_);
  EXPECT_EQ(client.Echo("a"), "a");
  EXPECT_TRUE(dispatcher_->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_TRUE(Eventually([&] { return !Client().Connect(port_); }));
  closed_.Add({});  // stands for the one that the dispatcher did not take any more
}

TEST_F(TcpServerTest, TheDestructorClosesEveryConnection) {
  ServeEcho();
  const Client clients[3] = {Client(port_), Client(port_), Client(port_)};
  for (const Client& client : clients) EXPECT_EQ(client.Echo("a"), "a");
  StopLoop();
  server_.reset();
  EXPECT_EQ(closed_.size(), 3U);
  EXPECT_EQ(closed_.Await().why, Why::kShutdown);
  for (const Client& client : clients) EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(TcpServerTest, StopAcceptingRefusesNewOnesAndKeepsOldOnes) {
  ServeEcho();
  const Client client(port_);
  EXPECT_EQ(client.Echo("a"), "a");
  server_->StopAccepting();
  EXPECT_TRUE(Eventually([&] { return !Client().Connect(port_); }));
  EXPECT_EQ(client.Echo("b"), "b");
}

class TcpServerInVirtualTimeTest : public TcpServerTest {
 protected:
  const Clock& clock() const override { return clock_; }
  ManualClock clock_;
};

TEST_F(TcpServerInVirtualTimeTest, AClosedConnectionWhosePeerTakesNothingIsCutOffAfter30Seconds) {
  Listen([this](const DataReceived& e) {
    server_->Write(e.connection, std::string(32 << 20, 'x'));
    server_->Close(e.connection);
  });
  Serve();
  const Client client(port_);
  client.Send("go");
  EXPECT_TRUE(Eventually([&] {
    clock_.Advance(std::chrono::seconds(31));
    return closed_.size() == 1;
  }));
  EXPECT_EQ(closed_.Await().why, Why::kNotRead);
}

TEST_F(TcpServerInVirtualTimeTest, APeerThatDoesNotEndItsWayIsWaitedForForASecond) {
  Listen([this](const DataReceived& e) { server_->Close(e.connection); });
  Serve();
  const Client client(port_);
  client.Send("go");
  EXPECT_EQ(client.ReceiveAll(), "");  // it is told at once
  EXPECT_EQ(closed_.size(), 0U);
  // Again and again: the peer may hear of the end before the loop has armed its timer.
  EXPECT_TRUE(Eventually([&] {
    clock_.Advance(std::chrono::seconds(1));
    return closed_.size() == 1;
  }));
  EXPECT_EQ(closed_.Await().why, Why::kLocal);
}

}  // namespace
}  // namespace belfry
