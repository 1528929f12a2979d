// Connections that a program opens itself, and descriptors that it brings.

#include "belfry/connector.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include "faults.h"
#include "io/recorder.h"
#include "io/stream_fixture.h"
#include "io/terminal.h"

namespace belfry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConnectorTest : public StreamTest {
 protected:
  void SetUp() override {
    StreamTest::SetUp();
    connector = std::make_unique<Connector>(*loop);
  }
  ConnectionId Connect(const Endpoint& endpoint) {
    const auto id = connector->Connect(endpoint, mine);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : ConnectionId{};
  }
  void RunUntilMine(std::size_t count) {
    RunUntil([&] { return mine.story.size() >= count; });
  }
  // An endpoint where nobody listens.
  Endpoint Nobody() {
    Told unused;
    return (*Server::Listen(*loop, *Endpoint::Parse("127.0.0.1:0"), unused))->endpoint();
  }

  Told mine;
};

TEST_F(ConnectorTest, WhatIsWrittenBeforeItIsOpenIsSentThen) {
  told.echo = true;
  Serve();
  const ConnectionId id = Connect(server->endpoint());
  connector->Find(id)->Write("early");
  EXPECT_TRUE(mine.story.empty());
  RunUntilMine(2);
  EXPECT_EQ(mine.id, id);
  mine.last->Close();
  RunUntilMine(3);
  EXPECT_THAT(mine.story, ElementsAre("opened", "data early", "closed local 0"));
  EXPECT_EQ(connector->Find(id), nullptr);
  EXPECT_EQ(connector->connections(), 0U);
}

TEST_F(ConnectorTest, ManyBytesComeBackInOrder) {
  told.echo = true;
  Serve({.connections = {.write_buffer_max = 64 << 20}});
  connector = std::make_unique<Connector>(*loop, ConnectionOptions{.write_buffer_max = 64 << 20});
  const std::string data = Pattern(16 << 20);
  connector->Find(Connect(server->endpoint()))->Write(data);
  RunUntil([&] { return mine.received.size() == data.size(); });
  EXPECT_TRUE(mine.received == data);
}

TEST_F(ConnectorTest, WhatIsWrittenAndClosedBeforeItIsOpenIsSent) {
  Serve();
  const ConnectionId id = Connect(server->endpoint());
  connector->Find(id)->Write("in a hurry");
  connector->Find(id)->Close();
  connector->Find(id)->Write("ignored");
  RunUntilMine(2);
  RunUntilTold(4);
  EXPECT_THAT(told.story, ElementsAre("opened", "data in a hurry", "end", "closed peer 0"));
}

TEST_F(ConnectorTest, TheEndMayBeToldBeforeItIsOpen) {
  told.on_end = [](Connection& connection) { connection.Write("then good-bye"); };
  Serve();
  connector->Find(Connect(server->endpoint()))->EndWriting();
  RunUntilMine(2);
  EXPECT_THAT(mine.story, ElementsAre("opened", "data then good-bye"));
}

TEST_F(ConnectorTest, WhoIsGoingOpensNoMore) {
  Serve();
  Connect(server->endpoint());
  RunUntilMine(1);
  mine.on_closed = [this, &going = *connector](Connection&) {
    EXPECT_EQ(going.Connect(server->endpoint(), mine).status().code(),
              absl::StatusCode::kFailedPrecondition);
  };
  connector.reset();
  EXPECT_THAT(mine.story, ElementsAre("opened", "closed shutdown 0"));
}

TEST_F(ConnectorTest, WhenNoPortIsLeftItSaysSo) {
  Serve();
  const FailNth fail(sys::Call::kConnect, 1, EADDRNOTAVAIL);
  const auto id = connector->Connect(server->endpoint(), mine);
  EXPECT_EQ(id.status().code(), absl::StatusCode::kResourceExhausted) << id.status();
  EXPECT_THAT(std::string(id.status().message()), HasSubstr(server->endpoint().text()));
}

// Its readiness may come before its opening.
TEST_F(ConnectorTest, AnAdoptedSocketWhosePeerIsGoneAlreadyIsReadAllTheSame) {
  std::array<int, 2> first{};
  std::array<int, 2> second{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, first.data()), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, second.data()), 0);
  ASSERT_EQ(::write(second[1], "hello", 5), 5);
  ::close(second[1]);
  told.on_opened = [&](Connection&) { EXPECT_TRUE(connector->Adopt(second[0], mine).ok()); };
  ASSERT_TRUE(connector->Adopt(first[0], told).ok());
  RunUntilMine(4);
  EXPECT_THAT(mine.story, ElementsAre("opened", "data hello", "end", "closed peer 0"));
  ::close(first[1]);
}

TEST_F(ConnectorTest, WhereNobodyListensItIsRefused) {
  Connect(Nobody());
  RunUntilMine(1);
  EXPECT_THAT(mine.story, ElementsAre("closed error " + std::to_string(ECONNREFUSED)));
}

// The backlog of a socket that accepts nothing fills up; what comes then is not answered.
TEST_F(ConnectorTest, AnAnswerThatDoesNotComeIsWaitedForSoLong) {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const Endpoint any = *Endpoint::Parse("127.0.0.1:0");
  ASSERT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(any.sockaddr_bytes().data()),
                   static_cast<socklen_t>(any.sockaddr_bytes().size())),
            0);
  ASSERT_EQ(::listen(listening, 0), 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const Endpoint full({reinterpret_cast<const char*>(&bound), size});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(connector->Connect(full, told).ok());
  Connect(full);
  Run(50);
  EXPECT_TRUE(mine.story.empty());
  clock.Advance(std::chrono::seconds(29));
  Run(20);
  EXPECT_TRUE(mine.story.empty());
  clock.Advance(std::chrono::seconds(1));
  RunUntilMine(1);
  EXPECT_THAT(mine.story, ElementsAre("closed timed out 0"));
  ::close(listening);
}

TEST_F(ConnectorTest, AConnectionOnItsWayMayBeGivenUp) {
  Serve();
  const ConnectionId closed = Connect(server->endpoint());
  connector->Find(closed)->Close();
  const ConnectionId aborted = Connect(server->endpoint());
  connector->Find(aborted)->Abort();
  RunUntilMine(2);
  EXPECT_THAT(mine.story, ElementsAre("closed local 0", "closed local 0"));
  const ConnectionId left = Connect(server->endpoint());
  EXPECT_NE(connector->Find(left), nullptr);
  connector.reset();
  EXPECT_EQ(mine.story.back(), "closed shutdown 0");
}

TEST_F(ConnectorTest, AUnixSocketWorksTheSame) {
  const TemporaryFolder folder;
  for (const std::string& text :
       {"unix:" + folder / "echo.sock", "unix:@belfry.test." + std::to_string(::getpid())}) {
    told = Told();
    mine = Told();
    told.echo = true;
    Serve({}, text);
    EXPECT_EQ(server->endpoint().text(), text);
    const ConnectionId id = Connect(server->endpoint());
    connector->Find(id)->Write("hello");
    RunUntilMine(2);
    mine.last->Close();
    RunUntilMine(3);
    EXPECT_THAT(mine.story, ElementsAre("opened", "data hello", "closed local 0"));
    RunUntil([&] { return told.closes == 1; });
    server.reset();
  }
  EXPECT_EQ(folder.entries(), 0U) << "the socket's file is left";
}

TEST_F(ConnectorTest, AFileThatADeadServerLeftIsReplacedAndALiveOnesIsNot) {
  const TemporaryFolder folder;
  const std::string path = folder / "server.sock";
  const Endpoint endpoint = *Endpoint::Parse("unix:" + path);
  {
    const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(endpoint.sockaddr_bytes().data()),
                     static_cast<socklen_t>(endpoint.sockaddr_bytes().size())),
              0);
    ::close(dead);
  }
  Serve({}, endpoint.text());
  Told unused;
  const auto second = Server::Listen(*loop, endpoint, unused);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(path));
  server.reset();
  TemporaryFolder::Fill(path, "precious");
  EXPECT_EQ(Server::Listen(*loop, endpoint, unused).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(TemporaryFolder::Content(path), "precious");
}

TEST_F(ConnectorTest, WhereThereIsNoUnixSocketTheErrorComesAtOnce) {
  const auto id = connector->Connect(*Endpoint::Parse("unix:/no/such/socket"), mine);
  EXPECT_EQ(id.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(id.status().message()), HasSubstr("unix:/no/such/socket"));
  Run();
  EXPECT_TRUE(mine.story.empty());
  EXPECT_EQ(connector->connections(), 0U);
}

// The peer's close hangs a Unix socket up at once, also while it is not read.
TEST_F(ConnectorTest, WhatAUnixPeerSentBeforeItClosedIsReadWhenReadingGoesOn) {
  const TemporaryFolder folder;
  told.on_opened = [](Connection& connection) { connection.PauseReading(); };
  Serve({}, "unix:" + folder / "s");
  const ConnectionId id = Connect(server->endpoint());
  connector->Find(id)->Write("before I go");
  RunUntil([&] { return told.last != nullptr && mine.last != nullptr; });
  mine.last->Abort();
  Run(20);
  EXPECT_THAT(told.story, ElementsAre("opened"));
  told.last->ResumeReading();
  RunUntilTold(4);
  EXPECT_THAT(told.story, ElementsAre("opened", "data before I go", "end", "closed peer 0"));
}

TEST_F(ConnectorTest, BothEndsOfAPipeMayBeAdopted) {
  std::signal(SIGPIPE, SIG_DFL);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const auto reading = connector->Adopt(pipe[0], told);
  const auto writing = connector->Adopt(pipe[1], mine);
  ASSERT_TRUE(reading.ok() && writing.ok());
  connector->Find(*writing)->Write("through a pipe");
  RunUntilTold(2);
  EXPECT_FALSE(told.last->writable());
  EXPECT_THAT(told.story, ElementsAre("opened", "data through a pipe"));
  told.last->Abort();
  RunUntilMine(2);
  EXPECT_THAT(mine.story, ElementsAre("opened", "closed peer 0"));
}

TEST_F(ConnectorTest, WritingToAPipeThatNobodyReadsRaisesNoSignal) {
  std::signal(SIGPIPE, SIG_DFL);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const auto writing = connector->Adopt(pipe[1], mine);
  RunUntilMine(1);
  ::close(pipe[0]);
  mine.last->Write("x");
  mine.last->Flush();
  RunUntilMine(2);
  EXPECT_THAT(mine.story, ElementsAre("opened", "closed error " + std::to_string(EPIPE)));
}

// It says so for as long as it lasts, and cannot be written to.
TEST_F(ConnectorTest, ATerminalThatHangsUpWhileItIsNotReadDoesNotKeepTheLoopBusy) {
  EventLoop real;
  connector = std::make_unique<Connector>(real, ConnectionOptions{.write_timeout = {}});
  Terminal terminal;
  terminal.Open();
  ASSERT_TRUE(connector->Adopt(terminal.Release(), mine).ok());
  real.RunOnce();
  mine.last->PauseReading();
  mine.last->Write(std::string(100000, 'x'));
  real.RunOnce();
  terminal.HangUp();
  {
    const FailNth waits(sys::Call::kEpollWait, 0, 0);
    real.RunAfter(std::chrono::milliseconds(20), [&] { real.Stop(); });
    real.Run();
    EXPECT_LE(waits.calls(), 5);
  }
  EXPECT_THAT(mine.story, ElementsAre("opened"));
  mine.last->ResumeReading();
  real.RunOnce();
  EXPECT_EQ(mine.closes, 1);
  connector.reset();
}

TEST_F(ConnectorTest, ADescriptorThatCannotBePolledIsRefused) {
  const TemporaryFolder folder;
  TemporaryFolder::Fill(folder / "file", "x");
  const int file = ::open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(connector->Adopt(file, mine).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(connector->Adopt(-1, mine).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ConnectorTest, WhateverTheSystemSaysNothingLeaksAndTheErrorComesOut) {
  Serve();
  for (const sys::Call call : {sys::Call::kSocket, sys::Call::kConnect, sys::Call::kEpollAdd}) {
    for (const int error : {EMFILE, ENOMEM, EACCES}) {
      const FailNth fail(call, 1, error);
      const auto id = connector->Connect(server->endpoint(), mine);
      EXPECT_FALSE(id.ok());
      EXPECT_THAT(std::string(id.status().message()), HasSubstr("127.0.0.1"));
      EXPECT_EQ(connector->connections(), 0U);
    }
  }
  const FailNth interrupted(sys::Call::kConnect, 1, EINPROGRESS);
  Connect(server->endpoint());
  RunUntilMine(1);
  EXPECT_TRUE(mine.story.empty() || mine.story.front().starts_with("closed error") ||
              mine.story.front() == "opened");
}

}  // namespace
}  // namespace belfry
