#include "belfry/http/http_server.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "http/http_test.h"

namespace belfry::http {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

using HttpServerTest = HttpTest;

TEST_F(HttpServerTest, AConnectionServesOneRequestAfterTheOther) {
  const std::uint16_t port = Serve();
  Echo();
  Run();
  RawClient client(port);
  for (int i = 0; i < 100; ++i) {
    const std::string target = "/" + std::to_string(i);
    ASSERT_TRUE(
        client.Send("POST " + target + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"));
    const RawResponse response = client.Read();
    ASSERT_EQ(response.status, 200);
    ASSERT_EQ(response.body, "POST " + target + " hi");
    ASSERT_THAT(response.head, HasSubstr("\r\nDate: "));
  }
}

TEST_F(HttpServerTest, ARequestIsAStoryOfItsOwnLinkedToItsConnection) {
  const std::uint16_t port = Serve();
  Completion<EventId> opened;
  Completion<std::vector<EventId>> request_ids;
  Completion<std::vector<EventId>> links;
  subscriptions_.push_back(
      dispatcher_.Subscribe([opened](const ConnectionOpened&, Context& context) {
        opened.Finish(context.envelope().id());
      }));
  subscriptions_.push_back(dispatcher_.Subscribe([=](const HttpRequestReceived&, Context& context) {
    const Envelope& envelope = context.envelope();
    links.Finish({envelope.links().begin(), envelope.links().end()});
    request_ids.Finish({envelope.id(), envelope.correlation_id(), envelope.causation_id()});
  }));
  Run();
  RawClient client(port);
  client.Send(Get("/"));
  ASSERT_TRUE(opened.WaitFor(kDeadline));
  ASSERT_TRUE(request_ids.WaitFor(kDeadline));
  EXPECT_EQ(request_ids.value()[0], request_ids.value()[1]);
  EXPECT_FALSE(request_ids.value()[2]);
  EXPECT_THAT(links.value(), ElementsAre(opened.value()));
}

TEST_F(HttpServerTest, PipelinedAnswersLeaveInOrderHoweverTheyCome) {
  const std::uint16_t port = Serve();
  const auto all = Collect(3);
  Run();
  RawClient client(port);
  client.Send(Get("/1") + Get("/2") + Get("/3"));
  ASSERT_TRUE(all.WaitFor(kDeadline));
  for (const std::size_t i : {2u, 0u, 1u}) {
    dispatcher_.Publish(HttpResponse{.request = all.value()[i], .body = std::to_string(i + 1)});
  }
  EXPECT_EQ(client.Read().body, "1");
  EXPECT_EQ(client.Read().body, "2");
  EXPECT_EQ(client.Read().body, "3");
}

TEST_F(HttpServerTest, AFloodOfPipelinedRequestsIsAnsweredInFull) {
  const std::uint16_t port = Serve({.pipelined_max = 4});
  Echo();
  Run();
  constexpr int kRequests = 5000;
  RawClient client(port);
  std::string flood;
  for (int i = 0; i < kRequests; ++i) flood += Get("/" + std::to_string(i));
  std::thread sender([&] { EXPECT_TRUE(client.Send(flood)); });
  RawResponse last;
  int answered = 0;
  for (; answered < kRequests; ++answered) {
    last = client.Read();
    if (last.body != "GET /" + std::to_string(answered) + " ") break;
  }
  EXPECT_EQ(answered, kRequests) << last.head << last.body;
  sender.join();
}

TEST_F(HttpServerTest, ManyClientsAreServedAtOnce) {
  const std::uint16_t port = Serve();
  Echo();
  Run();
  std::atomic<int> served{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      RawClient client(port);
      for (int i = 0; i < 50; ++i) {
        const std::string target = "/" + std::to_string(c) + "/" + std::to_string(i);
        client.Send(Get(target));
        if (client.Read().body == "GET " + target + " ") ++served;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(served, 400);
}

TEST_F(HttpServerTest, OldHttpIsClosedUnlessItAsksNotTo) {
  const std::uint16_t port = Serve();
  Echo();
  Run();
  RawClient client(port);
  client.Send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.Read().body, "GET /1 ");
  client.Send("GET /2 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.Read().body, "GET /2 ");
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpServerTest, ConnectionCloseIsHonoured) {
  const std::uint16_t port = Serve();
  Echo();
  Run();
  RawClient client(port);
  client.Send(Get("/", "Connection: close\r\n") + Get("/ignored"));
  EXPECT_THAT(client.Read().head, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpServerTest, AHeadHasNoBodyAndTheNextAnswerFollows) {
  const std::uint16_t port = Serve();
  Echo();
  Run();
  RawClient client(port);
  client.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + Get("/next"));
  EXPECT_THAT(client.Read(false).head, HasSubstr("Content-Length: 7"));
  EXPECT_EQ(client.Read().body, "GET /next ");
}

TEST_F(HttpServerTest, AContinueIsSentToWhoWaitsForIt) {
  const std::uint16_t port = Serve();
  Echo();
  Run();
  RawClient client(port);
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("hi");
  EXPECT_EQ(client.Read().body, "POST / hi");
}

TEST_F(HttpServerTest, BeyondRequestsMaxIs503) {
  const std::uint16_t port = Serve({.requests_max = 1});
  const auto first = Collect(1);
  Run();
  RawClient patient(port);
  patient.Send(Get("/"));
  ASSERT_TRUE(first.WaitFor(kDeadline));
  RawClient client(port);
  client.Send(Get("/"));
  const RawResponse refused = client.Read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.head, HasSubstr("\r\nRetry-After: 1\r\n"));
  dispatcher_.Publish(HttpResponse{.request = first.value()[0], .status = 204});
  EXPECT_EQ(patient.Read().status, 204);
}

TEST_F(HttpServerTest, ARequestThatAQueueHasNoRoomForIs503AtOnce) {
  const std::uint16_t port = Serve();
  Completion<bool> running;
  Completion<bool> go_on;
  Completion<bool> waiting;
  ListenerOptions one;
  one.queue.events_max = 1;  // and its policy is to wait, which the loop does not
  subscriptions_.push_back(dispatcher_.Subscribe(
      [&](const HttpRequestReceived& request) {
        running.Finish(true);
        EXPECT_TRUE(go_on.WaitFor(kDeadline));
        dispatcher_.Publish(HttpResponse{.request = request.id});
      },
      std::move(one)));
  ListenerOptions inside;
  inside.run = Run::kInline;
  subscriptions_.push_back(dispatcher_.Subscribe(
      [&](const HttpRequestReceived& request) {
        if (request.target == "/waits") waiting.Finish(true);
      },
      std::move(inside)));
  Run();
  RawClient first(port);
  first.Send(Get("/runs"));
  ASSERT_TRUE(running.WaitFor(kDeadline));
  RawClient second(port);
  second.Send(Get("/waits"));
  ASSERT_TRUE(waiting.WaitFor(kDeadline));
  RawClient third(port);
  third.Send(Get("/refused"));
  EXPECT_EQ(third.Read().status, 503);
  go_on.Finish(true);
  EXPECT_EQ(first.Read().status, 200);
  EXPECT_EQ(second.Read().status, 200);
}

TEST_F(HttpServerTest, WithoutAnAnswerInTimeItIs503) {
  const std::uint16_t port = Serve({.answer_time_max = milliseconds(50)});
  Run();  // nobody listens
  RawClient client(port);
  client.Send(Get("/"));
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("answer_time_max, 50 ms"));
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosed) {
  const std::uint16_t port = Serve({.idle_time_max = milliseconds(50)});
  Echo();
  Run();
  RawClient silent(port);
  RawClient client(port);
  client.Send(Get("/"));
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_TRUE(client.Closed());
  EXPECT_TRUE(silent.Closed());
}

TEST_F(HttpServerTest, AnAnswerForAClientThatIsGoneIsDroppedQuietly) {
  const std::uint16_t port = Serve({.requests_max = 1});
  const auto first = Collect(1);
  Completion<bool> closed;
  subscriptions_.push_back(
      dispatcher_.Subscribe([closed](const ConnectionClosed&) { closed.Finish(true); }));
  Run();
  { RawClient(port).Send(Get("/")); }
  ASSERT_TRUE(first.WaitFor(kDeadline));
  ASSERT_TRUE(closed.WaitFor(kDeadline));
  RawClient client(port);
  client.Send(Get("/"));
  EXPECT_EQ(client.Read().status, 503) << "the one that is gone still counts";
  dispatcher_.Publish(HttpResponse{.request = first.value()[0]});
  ASSERT_EQ(dispatcher_.Drain(kDeadline), DrainResult::kDrained);
  Echo();
  client.Send(Get("/again"));
  EXPECT_EQ(client.Read().body, "GET /again ");
}

class SynchronousHttpTest : public HttpTest {
 protected:
  static DispatcherOptions Synchronous() {
    DispatcherOptions options;
    options.synchronous = true;
    return options;
  }
  SynchronousHttpTest() : HttpTest(Synchronous()) {}
};

TEST_F(SynchronousHttpTest, AnswersMayComeFromTheLoopOrFromAnyThread) {
  const std::uint16_t port = Serve();
  std::optional<Completion<RequestId>> later;
  later.emplace();
  subscriptions_.push_back(dispatcher_.Subscribe([&](const HttpRequestReceived& request) {
    if (request.target == "/later") {
      later->Finish(request.id);
    } else {
      dispatcher_.Publish(HttpResponse{.request = request.id, .body = "now"});
    }
  }));
  Run();
  RawClient client(port);
  client.Send(Get("/now"));
  EXPECT_EQ(client.Read().body, "now");
  client.Send(Get("/later"));
  ASSERT_TRUE(later->WaitFor(kDeadline));
  dispatcher_.Publish(HttpResponse{.request = later->value(), .body = "later"});
  EXPECT_EQ(client.Read().body, "later");
}

}  // namespace
}  // namespace belfry::http
