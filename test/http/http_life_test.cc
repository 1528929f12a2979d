// Servers come, go beside each other, drain and end; and a client that is not ours.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "http/http_test.h"

namespace belfry::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

using HttpLifeTest = HttpTest;

TEST_F(HttpLifeTest, TwoServersOfOneDispatcherDoNotMixTheirConnections) {
  const std::uint16_t one = Serve();
  const std::uint16_t two = Serve();
  std::mutex mutex;
  std::map<std::uint64_t, int> requests;  // by server
  subscriptions_.push_back(dispatcher_.Subscribe([&](const HttpRequestReceived& request) {
    const std::lock_guard lock(mutex);
    ++requests[request.id.connection.server];
  }));
  Echo();
  Run();
  RawClient first(one);
  RawClient second(two);
  for (int i = 0; i < 20; ++i) {
    first.Send(Get("/first"));
    second.Send(Get("/second"));
    ASSERT_EQ(first.Read().body, "GET /first ");
    ASSERT_EQ(second.Read().body, "GET /second ");
  }
  OnLoop([this] { servers_.erase(servers_.begin()); });
  EXPECT_TRUE(first.Closed());
  second.Send(Get("/still"));
  EXPECT_EQ(second.Read().body, "GET /still ");
  ASSERT_EQ(dispatcher_.Drain(kDeadline), DrainResult::kDrained);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests.begin()->second, 20);
  EXPECT_EQ(requests.rbegin()->second, 21);
}

TEST_F(HttpLifeTest, DrainEndsWhenTheLastAnswerIsSent) {
  const std::uint16_t port = Serve();
  const auto first = Collect(1);
  Run();
  RawClient idle(port);
  RawClient busy(port);
  busy.Send(Get("/"));
  ASSERT_TRUE(first.WaitFor(kDeadline));
  const Completion<std::size_t> drained = servers_[0]->Drain(kDeadline);
  EXPECT_TRUE(idle.Closed());
  EXPECT_FALSE(drained.finished());
  dispatcher_.Publish(HttpResponse{.request = first.value()[0], .body = "bye"});
  const RawResponse response = busy.Read();
  EXPECT_EQ(response.body, "bye");
  EXPECT_THAT(response.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(busy.Closed());
  ASSERT_TRUE(drained.WaitFor(kDeadline));
  EXPECT_EQ(drained.value(), 0u);
}

TEST_F(HttpLifeTest, DrainReportsWhatIsUnansweredAtItsLimit) {
  const std::uint16_t port = Serve();
  const auto both = Collect(2);
  Run();
  RawClient client(port);
  client.Send(Get("/1") + Get("/2"));
  ASSERT_TRUE(both.WaitFor(kDeadline));
  const Completion<std::size_t> drained = servers_[0]->Drain(milliseconds(50));
  ASSERT_TRUE(drained.WaitFor(kDeadline));
  EXPECT_EQ(drained.value(), 2u);
}

TEST_F(HttpLifeTest, TheDrainedMayDestroyTheServer) {
  const std::uint16_t port = Serve();
  const auto first = Collect(1);
  Run();
  RawClient client(port);
  client.Send(Get("/"));
  ASSERT_TRUE(first.WaitFor(kDeadline));
  Completion<bool> destroyed;
  servers_[0]->Drain(kDeadline).Then([&, destroyed](const std::size_t&) {
    servers_.clear();
    destroyed.Finish(true);
  });
  dispatcher_.Publish(HttpResponse{.request = first.value()[0]});
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_TRUE(client.Closed());
  EXPECT_TRUE(destroyed.WaitFor(kDeadline));
}

TEST_F(HttpLifeTest, ListenSaysWhatIsWrong) {
  const std::uint16_t port = Serve();
  const auto status = [this](HttpServerOptions options) {
    return HttpServer::Listen(loop_, dispatcher_, std::move(options)).status();
  };
  EXPECT_EQ(status({.address = "nowhere"}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status({.port = port}).code(), absl::StatusCode::kAlreadyExists);
  const absl::Status zero = status({.pipelined_max = 0});
  EXPECT_EQ(zero.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(zero.message()), HasSubstr("pipelined_max"));
}

// Runs a command and returns what it wrote.
std::string OutputOf(const std::string& command) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  char bytes[4096];
  while (pipe) {
    const std::size_t read = std::fread(bytes, 1, sizeof(bytes), pipe.get());
    if (read == 0) break;
    output.append(bytes, read);
  }
  return output;
}

TEST_F(HttpLifeTest, CurlAgrees) {
  const std::string url = "http://127.0.0.1:" + std::to_string(Serve());
  Echo();
  Run();
  const std::string curl = "curl --silent --show-error --max-time 20 ";
  EXPECT_EQ(OutputOf(curl + url + "/1 " + url + "/2"), "GET /1 GET /2 ");
  EXPECT_EQ(OutputOf(curl + "--data hello " + url + "/d"), "POST /d hello");
  EXPECT_EQ(OutputOf(curl + "--header 'Transfer-Encoding: chunked' --data hello " + url + "/c"),
            "POST /c hello");
  EXPECT_EQ(OutputOf(curl + "--header 'Expect: 100-continue' --data hello " + url + "/e"),
            "POST /e hello");
  EXPECT_EQ(OutputOf(curl + "--http1.0 " + url + "/old"), "GET /old ");
  EXPECT_THAT(OutputOf(curl + "--head " + url + "/h"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(OutputOf(curl + "--output /dev/null --write-out '%{http_code}' --header 'X: " +
                     std::string(20000, 'x') + "' " + url),
            "431");
}

}  // namespace
}  // namespace belfry::http
