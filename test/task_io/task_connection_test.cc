// Connections as tasks see them, in a world.

#include "belfry/task_connection.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "belfry/flow/sleep.h"
#include "belfry/flow/tasks.h"
#include "belfry/flow/timeout.h"
#include "belfry/testing/explore.h"
#include "belfry/testing/fake_connector.h"
#include "belfry/testing/fake_server.h"
#include "belfry/testing/world.h"

namespace belfry {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeConnector;
using testing::FakePeer;
using testing::FakeServer;
using ::testing::IsEmpty;
using testing::World;

Task<> Echo(TaskConnection connection) {
  for (;;) {
    const absl::StatusOr<std::string> line = co_await connection.ReadLine();
    if (!line.ok()) co_return;
    if (!(co_await connection.Write(*line + "\n")).ok()) co_return;
  }
}

using Notes = std::vector<std::string>;

void Note(Notes& notes, const absl::StatusOr<std::string>& read) {
  notes.push_back(read.ok() ? *read : read.status().ToString());
}

Task<> ReadLines(TaskConnection connection, Notes& notes) {
  for (;;) {
    const absl::StatusOr<std::string> line = co_await connection.ReadLine();
    Note(notes, line);
    if (!line.ok()) co_return;
  }
}
Task<> ReadInPieces(TaskConnection connection, Notes& notes) {
  for (;;) {
    const absl::StatusOr<std::string> some = co_await connection.Read(4);
    Note(notes, some);
    if (!some.ok()) co_return;
  }
}
Task<> SleepAndRead(TaskConnection connection, Notes& notes) {
  co_await Sleep(1h);
  co_await ReadLines(std::move(connection), notes);
}
Task<> ReadImpatiently(TaskConnection connection, Notes& notes) {
  while (notes.size() < 3) {
    const auto line = co_await Timeout(1s, connection.ReadLine());
    Note(notes, line.value_or("nothing yet"));
  }
}
Task<> WriteMuch(TaskConnection connection, Notes& notes) {
  for (int i = 0; i < 3; ++i) {
    const absl::Status written = co_await connection.Write(std::string(100'000, 'x'));
    notes.push_back(written.ToString());
  }
}
Task<> WriteAndGo(TaskConnection connection, Notes& notes) {
  const absl::Status written = co_await connection.Write("bye\n");
  notes.push_back(written.ToString());
}
Task<> SayPeer(TaskConnection connection, Notes& notes) {
  notes.push_back(connection.peer());
  co_return;
}

class TaskConnectionTest : public ::testing::Test {
 protected:
  // A peer's connection is given to a task.
  void Serve(Task<> (*story)(TaskConnection, Notes&), const ServerOptions& options = {}) {
    const auto begin = [this, story](TaskConnection connection) {
      tasks_.Start(story(std::move(connection), notes_));
    };
    server_.emplace(world_, ToTasks(world_.loop(), begin, {.line_bytes_max = 10}), options);
    peer_.emplace(server_->Open("10.0.0.7:1234"));
  }
  FakePeer& peer() { return *peer_; }

  World world_;
  Tasks tasks_{world_.dispatcher()};
  Notes notes_;
  std::optional<FakeServer> server_;
  std::optional<FakePeer> peer_;
};

TEST_F(TaskConnectionTest, LinesAreReadAsTheyCome) {
  Serve(&ReadLines);
  peer().Send("one\ntwo\r\nth");
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("one", "two"));
  peer().Send("ree\n");
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("one", "two", "three"));
}

TEST_F(TaskConnectionTest, BytesAreReadAsTheyCome) {
  Serve(&ReadInPieces);
  peer().Send("123456\n");
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("1234", "56\n"));
}

TEST_F(TaskConnectionTest, ThePeersEndComesBehindAllThatItHasSent) {
  Serve(&ReadLines);
  peer().Send("last\n");
  peer().End();
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("last", "OUT_OF_RANGE: the peer sends no more"));
  ASSERT_TRUE(peer().ended().has_value()) << "the task has ended, and its connection with it";
}

TEST_F(TaskConnectionTest, AnEndWithinALineIsALoss) {
  Serve(&ReadLines);
  peer().Send("whole\nhalf");
  peer().End();
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("whole", "DATA_LOSS: the peer ended within a line"));
}

TEST_F(TaskConnectionTest, AnErrorIsNoEnd) {
  Serve(&ReadLines);
  peer().Break(ECONNRESET);
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre(::testing::HasSubstr("connection to \"10.0.0.7:1234\": ")));
  EXPECT_THAT(notes_, ::testing::Not(ElementsAre(::testing::StartsWith("OUT_OF_RANGE"))));
}

TEST_F(TaskConnectionTest, ATimeOutIsNoEnd) {
  Serve(&ReadLines, {.connections = {.idle_timeout = 5s}});
  world_.RunFor(10s);
  EXPECT_THAT(notes_,
              ElementsAre("DEADLINE_EXCEEDED: the connection to \"10.0.0.7:1234\" timed out"));
}

TEST_F(TaskConnectionTest, AServersEndIsTold) {
  Serve(&ReadLines);
  world_.Run();
  server_.reset();
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("CANCELLED: whose connection it was has ended"));
}

TEST_F(TaskConnectionTest, ALineHasALimit) {
  Serve(&ReadLines);
  peer().Send("0123456789\n0123456789\r\n0123456789x\nno more");
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("0123456789", "0123456789",
                                  "RESOURCE_EXHAUSTED: a line is longer than line_bytes_max = 10"));
}

TEST_F(TaskConnectionTest, ALineWithoutAnEndIsNotAwaitedForEver) {
  Serve(&ReadLines);
  peer().Send("0123456789x");
  world_.Run();
  EXPECT_THAT(notes_, IsEmpty()) << "the last one may be a carriage return, for all it knows";
  peer().Send("y");
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("RESOURCE_EXHAUSTED: a line is longer than line_bytes_max = 10"));
}

TEST_F(TaskConnectionTest, WhatNobodyTakesPausesThePeer) {
  Serve(&SleepAndRead);
  std::string sent;
  std::vector<std::string> lines;
  for (int i = 0; i < 100; ++i) {
    lines.push_back("line " + std::to_string(i));
    sent += lines.back() + "\n";
  }
  peer().SendInPieces(sent, 7);
  world_.RunFor(1min);
  EXPECT_TRUE(peer().paused());
  world_.RunFor(1h);
  EXPECT_EQ(notes_, lines);
  EXPECT_FALSE(peer().paused());
}

TEST_F(TaskConnectionTest, AWaitThatIsGivenUpTakesNothing) {
  Serve(&ReadImpatiently);
  world_.RunFor(1500ms);
  peer().Send("one\ntwo\n");
  world_.RunFor(10s);
  EXPECT_THAT(notes_, ElementsAre("nothing yet", "one", "two"));
}

// Whichever comes first, the line or the time-out: it is there once.
TEST(TaskConnectionExploreTest, ALineIsNeitherLostNorDoubledWhenTheTimeOutCrosses) {
  const testing::ExploreReport report = testing::Explore({}, [](World& world) {
    std::vector<std::string> lines;
    Tasks tasks(world.dispatcher());
    const auto read = [&](TaskConnection connection) -> Task<> {
      while (lines.size() < 2) {
        const auto line = co_await Timeout(1s, connection.ReadLine());
        if (line.has_value() && line->ok()) lines.push_back(**line);
      }
    };
    FakeServer server(world, ToTasks(world.loop(), [&](TaskConnection connection) {
                        tasks.Start(read(std::move(connection)));
                      }));
    FakePeer peer = server.Open();
    peer.Send("one\n");
    world.Run();
    world.Advance(1s);  // the second wait is over, and the line comes
    peer.Send("two\n");
    world.RunFor(3s);
    EXPECT_THAT(lines, ElementsAre("one", "two"));
  });
  EXPECT_TRUE(report.ok()) << report.Describe();
  EXPECT_GT(report.schedules, 1U) << report.Describe();
}

TEST_F(TaskConnectionTest, AWriterWaitsForAPeerThatDoesNotRead) {
  Serve(&WriteMuch, {.connections = {.write_buffer_high = 15, .write_buffer_low = 5}});
  peer().StopReading();
  world_.Run();
  EXPECT_THAT(notes_, IsEmpty());
  peer().ReadOn();
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("OK", "OK", "OK"));
  EXPECT_EQ(peer().received().size(), 300'000U);
}

TEST_F(TaskConnectionTest, AWriterIsToldThatThePeerDoesNotRead) {
  Serve(&WriteMuch, {.connections = {.write_buffer_high = 15, .write_buffer_low = 5}});
  peer().StopReading();
  world_.RunFor(1min);
  const std::string why = "RESOURCE_EXHAUSTED: the peer \"10.0.0.7:1234\" does not read";
  EXPECT_THAT(notes_, ElementsAre(why, why, why));
}

TEST_F(TaskConnectionTest, ItsEndClosesBehindWhatWasWritten) {
  Serve(&WriteAndGo);
  world_.Run();
  EXPECT_EQ(peer().received(), "bye\n");
  EXPECT_TRUE(peer().told_end());
  ASSERT_TRUE(peer().ended().has_value());
  EXPECT_EQ(peer().ended()->why, ConnectionClosed::Why::kLocal);
}

TEST_F(TaskConnectionTest, ATaskThatIsDestroyedWhereItWaitsCloses) {
  std::optional<Tasks> tasks(world_.dispatcher());
  FakeServer server(world_, ToTasks(world_.loop(), [&](TaskConnection connection) {
                      tasks->Start(Echo(std::move(connection)));
                    }));
  const FakePeer peer = server.Open();
  world_.Run();
  EXPECT_FALSE(peer.ended().has_value());
  tasks.reset();
  world_.Run();
  EXPECT_TRUE(peer.ended().has_value());
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(TaskConnectionTest, ItKnowsItsPeer) {
  Serve(&SayPeer);
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("10.0.0.7:1234"));
}

// A connection that two tasks have.
class SharedConnectionTest : public ::testing::Test {
 protected:
  SharedConnectionTest() {
    server_.Open();
    world_.Run();
  }
  Task<> ReadOnce() { Note(notes_, co_await connection_->ReadLine()); }

  World world_;
  std::optional<TaskConnection> connection_;
  FakeServer server_{world_, ToTasks(world_.loop(), [this](TaskConnection connection) {
                       connection_.emplace(std::move(connection));
                     })};
  Notes notes_;
  Tasks tasks_{world_.dispatcher()};
};

TEST_F(SharedConnectionTest, WhoStillReadsIsToldItsEnd) {
  tasks_.Start(ReadOnce());
  world_.Run();
  connection_.reset();
  world_.Run();
  EXPECT_THAT(notes_, ElementsAre("CANCELLED: the connection was closed here"));
}

TEST_F(SharedConnectionTest, TwoWhoReadAtOnceAbort) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  tasks_.Start(ReadOnce());
  world_.Run();
  tasks_.Start(ReadOnce());
  EXPECT_DEATH(world_.Run(), "two tasks read one connection");
}

class ConnectTest : public ::testing::Test {
 protected:
  Task<absl::Status> Greet() {
    absl::StatusOr<TaskConnection> connection =
        co_await Connect(world_.loop(), connector_, *Endpoint::Parse("10.0.0.9:7000"));
    if (!connection.ok()) co_return connection.status();
    if (const absl::Status written = co_await connection->Write("hello\n"); !written.ok()) {
      co_return written;
    }
    answer_ = (co_await connection->ReadLine()).value_or("none");
    co_return absl::OkStatus();
  }

  World world_;
  FakeConnector connector_{world_, {.connect_timeout = 30s}};
  std::optional<Tasks> tasks_{world_.dispatcher()};
  std::string answer_;
};

TEST_F(ConnectTest, ATaskConnectsWritesAndReads) {
  connector_.Answer("10.0.0.9:7000");
  const auto greeted = tasks_->Start(Greet());
  world_.Run();
  FakePeer peer = connector_.Peers("10.0.0.9:7000").at(0);
  EXPECT_EQ(peer.received(), "hello\n");
  peer.Send("good day\n");
  world_.Run();
  ASSERT_TRUE(greeted.finished());
  EXPECT_EQ(greeted.value(), absl::OkStatus());
  EXPECT_EQ(answer_, "good day");
  EXPECT_TRUE(peer.ended().has_value());
}

TEST_F(ConnectTest, WhatFailsIsTold) {
  const auto refused = tasks_->Start(Greet());
  world_.Run();
  ASSERT_TRUE(refused.finished());
  EXPECT_THAT(refused.value().ToString(), ::testing::HasSubstr("connect to \"10.0.0.9:7000\": "));
  connector_.FailAtOnce("10.0.0.9:7000", absl::ResourceExhaustedError("no port is left"));
  const auto at_once = tasks_->Start(Greet());
  world_.Run();
  ASSERT_TRUE(at_once.finished());
  EXPECT_EQ(at_once.value(), absl::ResourceExhaustedError("no port is left"));
}

TEST_F(ConnectTest, NoAnswerIsATimeOut) {
  connector_.Silence("10.0.0.9:7000");
  const auto greeted = tasks_->Start(Greet());
  world_.RunFor(1min);
  ASSERT_TRUE(greeted.finished());
  EXPECT_EQ(greeted.value().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ConnectTest, ATaskThatIsGivenUpMeanwhileLeavesNoConnection) {
  connector_.Silence("10.0.0.9:7000");
  tasks_->Start(Greet());
  world_.Run();
  EXPECT_EQ(connector_.connections(), 1U);
  tasks_.reset();
  world_.Run();
  EXPECT_EQ(connector_.connections(), 0U);
}

}  // namespace
}  // namespace belfry
