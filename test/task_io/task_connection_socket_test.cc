// Connections as tasks see them, over sockets: tasks on a pool, the loop on a thread of its own.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "belfry/connector.h"
#include "belfry/dispatcher.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/tasks.h"
#include "belfry/server.h"
#include "belfry/task_connection.h"
#include "io/client.h"

namespace belfry {
namespace {

Task<> Echo(TaskConnection connection) {
  for (;;) {
    const absl::StatusOr<std::string> line = co_await connection.ReadLine();
    if (!line.ok()) co_return;
    if (!(co_await connection.Write(*line + "\n")).ok()) co_return;
  }
}

class TaskConnectionSocketTest : public ::testing::Test {
 protected:
  TaskConnectionSocketTest() {
    auto server = Server::Listen(loop_, *Endpoint::Parse("127.0.0.1:0"),
                                 ToTasks(loop_, [this](TaskConnection connection) {
                                   tasks_->Start(Echo(std::move(connection)));
                                 }));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    running_ = std::thread([this] { loop_.Run(); });
  }
  ~TaskConnectionSocketTest() override {
    tasks_.reset();
    loop_.Stop();
    running_.join();
    server_.reset();
    connector_.reset();
  }

  // Sends so many lines, and wants each back.
  Task<int> Talk(int number, int lines) {
    auto connection = co_await Connect(loop_, *connector_, server_->endpoint());
    if (!connection.ok()) co_return -1;
    int echoed = 0;
    for (int i = 0; i < lines; ++i) {
      const std::string line = std::to_string(number) + "." + std::to_string(i);
      if (!(co_await connection->Write(line + "\n")).ok()) co_return -2;
      const absl::StatusOr<std::string> echo = co_await connection->ReadLine();
      if (echo.ok() && *echo == line) ++echoed;
    }
    co_return echoed;
  }

  EventLoop loop_;
  Dispatcher dispatcher_{{.pool = {.threads = 4}}};
  std::optional<Tasks> tasks_{dispatcher_};
  std::unique_ptr<Server> server_;
  std::optional<Connector> connector_{loop_};
  std::thread running_;
};

TEST_F(TaskConnectionSocketTest, AClientHasItsEcho) {
  const Client client(server_->endpoint().port());
  client.Send("hel");
  client.Send("lo\nyou\n");
  EXPECT_EQ(client.Receive(10), "hello\nyou\n");
}

TEST_F(TaskConnectionSocketTest, MuchGoesThroughABoundedBuffer) {
  const Client client(server_->endpoint().port());
  std::string much;
  for (int i = 0; i < 100'000; ++i) much += "line " + std::to_string(i) + "\n";
  std::thread sender([&] { client.Send(much); });
  EXPECT_TRUE(client.Receive(much.size()) == much);
  sender.join();
}

TEST_F(TaskConnectionSocketTest, ManyTalkAtOnce) {
  constexpr int kTalks = 50;
  constexpr int kLines = 20;
  std::vector<Completion<absl::StatusOr<int>>> talks;
  for (int i = 0; i < kTalks; ++i) talks.push_back(tasks_->Start(Talk(i, kLines)));
  for (const auto& talk : talks) EXPECT_EQ(talk.Wait().value_or(-3), kLines);
}

TEST_F(TaskConnectionSocketTest, ManyAreGivenUpWhileTheyTalk) {
  for (int round = 0; round < 30; ++round) {
    Tasks given_up(dispatcher_);
    for (int i = 0; i < 5; ++i) given_up.Start(Talk(i, 1000));
    tasks_->Start(Talk(round, 2)).Wait();
  }
}

}  // namespace
}  // namespace belfry
