// The files of Unix sockets: whose they are, and when they go.

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "faults.h"
#include "io/recorder.h"
#include "io/stream_fixture.h"

namespace belfry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class UnixSocketTest : public StreamTest {
 protected:
  absl::StatusCode ListenToo(Told& listener) {
    auto made = Server::Listen(*loop, endpoint_, listener);
    if (made.ok()) second_ = *std::move(made);
    return made.ok() ? absl::StatusCode::kOk : made.status().code();
  }
  void TearDown() override {
    second_.reset();
    StreamTest::TearDown();
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_ / "socket";
  const Endpoint endpoint_ = *Endpoint::Parse("unix:" + path_);
  std::unique_ptr<Server> second_;
};

// Of two servers that start at once, one may have its file already, but not listen yet.
TEST_F(UnixSocketTest, AFileIsNotDesertedBeforeItsServerListens) {
  const int starting = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(starting, reinterpret_cast<const sockaddr*>(endpoint_.sockaddr_bytes().data()),
                   static_cast<socklen_t>(endpoint_.sockaddr_bytes().size())),
            0);
  EXPECT_EQ(ListenToo(told), absl::StatusCode::kAlreadyExists);
  ::close(starting);
  EXPECT_EQ(ListenToo(told), absl::StatusCode::kOk);
}

TEST_F(UnixSocketTest, AServerHearsNothingOfWhoWantsItsPlace) {
  Serve({}, endpoint_.text());
  Told unused;
  EXPECT_EQ(ListenToo(unused), absl::StatusCode::kAlreadyExists);
  Run();
  EXPECT_THAT(told.story, IsEmpty());
}

TEST_F(UnixSocketTest, AServerThatGoesLeavesTheFileOfTheNextOne) {
  Serve({}, endpoint_.text());
  std::filesystem::remove(path_);
  Told next;
  ASSERT_EQ(ListenToo(next), absl::StatusCode::kOk);
  server.reset();
  connector = std::make_unique<Connector>(*loop);
  Told mine;
  ASSERT_TRUE(connector->Connect(endpoint_, mine).ok());
  RunUntil([&] { return !next.story.empty(); });
  EXPECT_THAT(next.story, ElementsAre("opened"));
  connector.reset();
  second_.reset();
  EXPECT_EQ(folder_.entries(), 0U);
}

TEST_F(UnixSocketTest, AServerThatTheSystemRefusesLeavesNoFile) {
  for (const sys::Call call :
       {sys::Call::kListen, sys::Call::kGetsockname, sys::Call::kOpen, sys::Call::kEpollAdd}) {
    const FailNth fail(call, 1, ENOMEM);
    EXPECT_EQ(ListenToo(told), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(folder_.entries(), 0U);
  }
}

}  // namespace
}  // namespace belfry
