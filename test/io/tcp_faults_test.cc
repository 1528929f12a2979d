// What a server does when the system fails it, and when there are many.

#include <fcntl.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "faults.h"
#include "io/tcp_fixture.h"

namespace belfry {
namespace {

class TcpFaultsTest : public TcpServerTest {
 protected:
  // A client comes, says something and goes; whether it was served.
  bool OneRound() {
    Client client;
    if (!client.Connect(port_)) return false;
    return client.Echo("0123456789") == "0123456789";
  }

  // Lets every call of a kind fail in turn, until a round needs no more of them. A connection that
  // was open before is served all the same.
  void Sweep(sys::Call call, const std::vector<int>& errors) {
    for (const int error : errors) {
      for (int n = 1;; ++n) {
        SCOPED_TRACE(testing::Message()
                     << "call " << static_cast<int>(call) << " error " << error << " n " << n);
        ASSERT_LT(n, 200);
        const Client other(port_);
        ASSERT_EQ(other.Echo("before"), "before");
        bool hit = false;
        {
          const FailNth fail(call, n, error);
          const bool served = OneRound();
          hit = fail.hit();
          EXPECT_TRUE(served || hit);
        }
        EXPECT_EQ(other.Echo("after"), "after");
        if (!hit) break;
      }
    }
  }
};

TEST_F(TcpFaultsTest, WhateverAcceptSaysTheServerGoesOn) {
  ServeEcho();
  Sweep(sys::Call::kAccept,
        {EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
         EOPNOTSUPP, ENETUNREACH, ETIMEDOUT, EPERM, EAGAIN, ENOBUFS, ENOMEM, EMFILE, ENFILE});
}

TEST_F(TcpFaultsTest, WhateverReceivingSaysOnlyThatConnectionEnds) {
  ServeEcho();
  Sweep(sys::Call::kRecv, {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH});
}

TEST_F(TcpFaultsTest, WhateverSendingSaysOnlyThatConnectionEnds) {
  ServeEcho();
  Sweep(sys::Call::kSend, {EINTR, EAGAIN, ECONNRESET, EPIPE, ENOBUFS, ETIMEDOUT});
}

TEST_F(TcpFaultsTest, WhateverEpollRefusesTheServerGoesOn) {
  ServeEcho();
  Sweep(sys::Call::kEpollAdd, {ENOMEM, ENOSPC});
  Sweep(sys::Call::kEpollModify, {ENOMEM});
  Sweep(sys::Call::kEpollWait, {EINTR});
}

TEST_F(TcpFaultsTest, SmallerCallsDoNotMatter) {
  ServeEcho();
  Sweep(sys::Call::kSetsockopt, {EINVAL});
  Sweep(sys::Call::kShutdown, {ENOTCONN});
  Sweep(sys::Call::kClose, {EINTR, EIO});
}

TEST_F(TcpFaultsTest, TheErrorIsNamedInTheEvent) {
  ServeEcho();
  const FailNth fail(sys::Call::kRecv, 1, EHOSTUNREACH);
  Client client(port_);
  client.Send("x");
  const ConnectionClosed closed = closed_.Await();
  EXPECT_EQ(closed.why, Why::kError);
  EXPECT_EQ(closed.error, EHOSTUNREACH);
}

TEST_F(TcpFaultsTest, ShortAndInterruptedCallsChangeNothing) {
  ServeEcho();
  const std::string data(200000, 'x');
  {
    const ShortCalls sends(sys::Call::kSend, 7);
    const Client client(port_);
    std::thread sender([&] { EXPECT_TRUE(client.Send(data)); });
    EXPECT_TRUE(client.Receive(data.size()) == data);
    sender.join();
  }
  const ShortCalls receives(sys::Call::kRecv, 7);
  const Client client(port_);
  EXPECT_EQ(client.Echo(data.substr(0, 20000)).size(), 20000U);
}

// Not one that restarts what it interrupts.
TEST_F(TcpFaultsTest, UnderAStormOfSignalsEveryByteComesBack) {
  static std::atomic<int> signals;
  signals = 0;
  struct sigaction counted {};
  struct sigaction before {};
  counted.sa_handler = [](int) { ++signals; };
  ASSERT_EQ(::sigaction(SIGUSR1, &counted, &before), 0);
  ServeEcho();
  std::atomic<bool> over{false};
  std::thread storm([&] {
    while (!over) ::pthread_kill(thread_.native_handle(), SIGUSR1);
  });
  const Client client(port_);
  const std::string data(10000, 'x');
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(client.Echo(data) == data);
  over = true;
  storm.join();
  StopLoop();
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_GT(signals, 0);
}

TEST_F(TcpFaultsTest, AServerThatTheSystemRefusesIsAStatusAndLeavesNothing) {
  for (const sys::Call call :
       {sys::Call::kSocket, sys::Call::kSetsockopt, sys::Call::kBind, sys::Call::kListen,
        sys::Call::kGetsockname, sys::Call::kOpen, sys::Call::kEpollAdd}) {
    const std::size_t before = CountDescriptors();
    const FailNth fail(call, 1, ENOMEM);
    ConnectionEvents server(*loop_, *dispatcher_);
    const auto endpoint = server.Listen(*Endpoint::Parse("127.0.0.1:0"));
    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kResourceExhausted) << endpoint.status();
    EXPECT_EQ(CountDescriptors(), before);
  }
}

// Takes all descriptors that the process may still have.
class NoDescriptorLeft {
 public:
  NoDescriptorLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{.rlim_cur = 256, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (;;) {
      const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd < 0) break;
      taken_.push_back(fd);
    }
  }
  ~NoDescriptorLeft() {
    for (const int fd : taken_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptorLeft(const NoDescriptorLeft&) = delete;
  NoDescriptorLeft& operator=(const NoDescriptorLeft&) = delete;

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST_F(TcpFaultsTest, WithoutADescriptorComersAreTurnedAwayWithoutSpinningAndLaterOnesServed) {
  constexpr int kComers = 10;
  ServeEcho();
  const Client other(port_);
  ASSERT_EQ(other.Echo("a"), "a");
  std::vector<Client> comers(kComers);
  {
    const FailNth waits(sys::Call::kEpollWait, 0, 0);
    EXPECT_EQ(other.Echo("."), ".");  // a sanitizer's first look at the hook needs a descriptor
    const NoDescriptorLeft none;
    for (const Client& comer : comers) ASSERT_TRUE(comer.Connect(port_));
    for (const Client& comer : comers) {
      const std::string end = comer.ReceiveSome();
      EXPECT_TRUE(end.empty() || end == "!") << "was not turned away";
    }
    EXPECT_EQ(other.Echo("b"), "b");
    // Two turns for each comer: its arrival and the end of the rest; and the echo.
    EXPECT_LE(waits.calls(), 3 * kComers + 10) << "the loop spun";
  }
  EXPECT_TRUE(OneRound());
}

// Those who come wait meanwhile.
TEST_F(TcpFaultsTest, WhenTheSystemHasNoMemoryForLongAcceptingRestsInsteadOfSpinning) {
  ServeEcho();
  const Client other(port_);
  ASSERT_EQ(other.Echo("a"), "a");
  Client comer;
  {
    const FailAll fail(sys::Call::kAccept, ENOMEM);
    ASSERT_TRUE(comer.Connect(port_));
    EXPECT_TRUE(Eventually([&] { return fail.calls() >= 4; }));
    const int before = fail.calls();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(other.Echo("b"), "b");  // 20 turns at least
    EXPECT_LE(fail.calls(), before + 10);
  }
  EXPECT_EQ(comer.Echo("c"), "c");
}

class ManyConnectionsTest : public TcpServerTest {
 protected:
  void SetUp() override {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 2200) GTEST_SKIP() << "too few descriptors allowed";
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    TcpServerTest::SetUp();
    ready_ = true;
  }
  void TearDown() override {
    if (ready_) TcpServerTest::TearDown();
  }

 private:
  bool ready_ = false;
};

TEST_F(ManyConnectionsTest, AThousandConnectionsAreServedAtOnce) {
  constexpr std::size_t kMany = 1000;
  ServeEcho();
  {
    std::vector<Client> clients;
    for (std::size_t i = 0; i < kMany; ++i) clients.emplace_back(port_);
    for (std::size_t i = 0; i < kMany; ++i) ASSERT_TRUE(clients[i].Send(std::to_string(i)));
    for (std::size_t i = 0; i < kMany; ++i) {
      ASSERT_EQ(clients[i].Receive(std::to_string(i).size()), std::to_string(i));
    }
    EXPECT_EQ(server_->connections(), kMany);
  }
  closed_.Await(kMany);
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

// Clients come, write, and leave in every way, while others of the process write to them.
TEST_F(ManyConnectionsTest, ComingAndGoingFromManyThreadsLosesNoEvent) {
  constexpr int kThreads = 4;
  constexpr int kEach = 100;
  Listen([this](const DataReceived& e) { server_->Write(e.connection, e.data); },
         {.run = Run::kQueued});
  Listen([this](const DataReceived& e) { server_->PauseReading(e.connection); });
  Listen([this](const DataReceived& e) { server_->ResumeReading(e.connection); },
         {.run = Run::kQueued});
  Serve();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) {
        Client client(port_);
        EXPECT_EQ(client.Echo("0123456789"), "0123456789");
        if ((i + t) % 3 == 0) client.Reset();
        if ((i + t) % 3 == 1) client.EndSending();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  closed_.Await(kThreads * kEach);
}

}  // namespace
}  // namespace belfry
