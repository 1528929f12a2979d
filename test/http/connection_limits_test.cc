// What a connection does at its limits, at its deadlines and at its end.
#include <chrono>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "http/connection_test.h"

namespace belfry::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(ConnectionTest, GarbageIsAnswered400AfterTheAnswersBeforeIt) {
  Receive(Get("/1") + "garbage\r\n" + Get("/2"));
  EXPECT_EQ(Written(), "");
  Answer(1, "one");
  const std::string all = Written();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(all, HasSubstr("one"
                             "HTTP/1.1 400 Bad Request"));
  EXPECT_TRUE(closed_);
  EXPECT_THAT(Targets(), ElementsAre("/1"));
}

TEST_F(ConnectionTest, ErrorsNameTheLimit) {
  Receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
  const std::string all = Written();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(all, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(all, EndsWith("the body is longer than body_bytes_max, 100 bytes\n"));
  EXPECT_TRUE(closed_);
}

TEST_F(ConnectionTest, AnErrorOfAHeadHasNoBody) {
  Receive("HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  const std::string all = Written();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(all, EndsWith("\r\n\r\n"));
}

TEST_F(ConnectionTest, TooManyRequestsAreAnswered503AndTheConnectionGoesOn) {
  intake_ = Intake::kTooMany;
  Receive(Get("/"));
  const std::string all = Written();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(all, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_FALSE(closed_);
  intake_ = Intake::kRefused;
  Receive(Get("/"));
  EXPECT_THAT(Written(), StartsWith("HTTP/1.1 503 "));
  intake_ = Intake::kAccepted;
  Receive(Get("/again"));
  EXPECT_THAT(Targets(), ElementsAre("/again"));
}

TEST_F(ConnectionTest, ARefusedRequestWaitsForTheAnswersBeforeIt) {
  Receive(Get("/1"));
  intake_ = Intake::kRefused;
  Receive(Get("/2"));
  EXPECT_EQ(Written(), "");
  Answer(1, "one");
  EXPECT_THAT(Written(), HasSubstr("one"
                                   "HTTP/1.1 503 "));
}

TEST_F(ConnectionTest, ASlowRequestIsAnswered408CountedFromItsFirstByte) {
  Pass(seconds(20));
  for (const char c : std::string("GET / HTTP")) {
    Pass(milliseconds(900));
    Receive(std::string(1, c));
  }
  Pass(milliseconds(1899));
  EXPECT_EQ(Written(), "");
  Pass(milliseconds(1));
  EXPECT_THAT(Written(), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(closed_);
}

TEST_F(ConnectionTest, ARequestWithoutAnAnswerIsAnswered503InTime) {
  Receive(Get("/1"));
  Pass(seconds(10));
  Receive(Get("/2"));
  Pass(seconds(20) - milliseconds(1));
  EXPECT_EQ(Written(), "");
  Pass(milliseconds(1));
  EXPECT_THAT(Written(), HasSubstr("answer_time_max, 30 s"));
  EXPECT_EQ(unsettled_, 1);
  Answer(1, "late");
  Answer(2, "in time");
  const std::string all = Written();
  EXPECT_THAT(all, Not(HasSubstr("late")));
  EXPECT_THAT(all, HasSubstr("in time"));
  EXPECT_FALSE(closed_);
}

TEST_F(ConnectionTest, AnIdleConnectionIsClosedWithoutAWord) {
  Pass(seconds(59));
  Receive(Get("/"));
  Answer(1, "");
  Written();
  Pass(seconds(60) - milliseconds(1));
  EXPECT_FALSE(closed_);
  Pass(milliseconds(1));
  EXPECT_TRUE(closed_);
  EXPECT_EQ(Written(), "");
}

TEST_F(ConnectionTest, BlankLinesDoNotKeepAConnection) {
  for (int i = 0; i < 59; ++i) {
    Pass(seconds(1));
    Receive("\r\n");
  }
  Pass(seconds(1));
  EXPECT_TRUE(closed_);
  EXPECT_EQ(Written(), "");
}

TEST_F(ConnectionTest, AClientThatDoesNotReadTheLastAnswerIsCutOff) {
  Receive("garbage\r\n");
  EXPECT_TRUE(closed_);
  Pass(seconds(60) - milliseconds(1));
  EXPECT_FALSE(aborted_);
  Pass(milliseconds(1));
  EXPECT_TRUE(aborted_);
  EXPECT_TRUE(connection().finished());
}

TEST_F(ConnectionTest, AContinueIsSentInItsTurnAndTheClientsTimeBeginsThen) {
  Receive(Get("/1") +
          "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
          "Expect: 100-continue\r\n\r\n");
  Pass(seconds(20));
  EXPECT_EQ(Written(), "");
  Answer(1, "one");
  EXPECT_THAT(Written(), EndsWith("oneHTTP/1.1 100 Continue\r\n\r\n"));
  Pass(seconds(9));
  Receive("hi");
  EXPECT_EQ(requests_.back().body, "hi");
  Receive("POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\nExpect: 100-continue\r\n\r\n");
  Answer(2, "two");
  EXPECT_THAT(Written(), Not(HasSubstr("100 Continue"))) << "the body is too long to be wanted";
}

TEST_F(ConnectionTest, WhoIsGoneCountsUntilTheAnswerOrItsTime) {
  Receive(Get("/1") + Get("/2"));
  connection().Gone();
  EXPECT_FALSE(connection().finished());
  Answer(1, "nobody listens");
  EXPECT_EQ(unsettled_, 1);
  Pass(seconds(30));
  EXPECT_EQ(unsettled_, 0);
  EXPECT_TRUE(connection().finished());
  EXPECT_EQ(connection().deadline(), std::nullopt);
  EXPECT_EQ(Written(), "");
}

TEST_F(ConnectionTest, GoingInTheMiddleOfAWriteIsTheEnd) {
  Receive(Get("/1") + Get("/2") + Get("/3") + Get("/4"));
  gone_on_write_ = true;
  Answer(1, "one");
  EXPECT_THAT(Targets(), ElementsAre("/1", "/2", "/3"));
  EXPECT_FALSE(closed_);
  EXPECT_EQ(connection().unanswered(), 2u);
}

TEST_F(ConnectionTest, DrainingClosesWhatIsIdleAtOnce) {
  connection().Drain(now_);
  EXPECT_TRUE(closed_);
  EXPECT_EQ(Written(), "");
}

TEST_F(ConnectionTest, DrainingWaitsForAnswersAndTakesNoMore) {
  Receive(Get("/1") + Get("/2") + "GET /ha");
  connection().Drain(now_);
  Receive("lf HTTP/1.1\r\nHost: a\r\n\r\n");
  Answer(1, "one");
  EXPECT_FALSE(closed_);
  Answer(2, "two");
  const std::string all = Written();
  EXPECT_THAT(all, HasSubstr("two"));
  EXPECT_THAT(all, HasSubstr("Connection: close"));
  EXPECT_TRUE(closed_);
  EXPECT_THAT(Targets(), ElementsAre("/1", "/2"));
}

TEST_F(ConnectionTest, DrainingLetsARequestThatHasBegunEnd) {
  Receive("GET /ha");
  connection().Drain(now_);
  EXPECT_FALSE(closed_);
  Receive("lf HTTP/1.1\r\nHost: a\r\n\r\n" + Get("/next"));
  Answer(1, "one");
  EXPECT_THAT(Written(), HasSubstr("Connection: close"));
  EXPECT_TRUE(closed_);
  EXPECT_THAT(Targets(), ElementsAre("/half"));
}

}  // namespace
}  // namespace belfry::http
