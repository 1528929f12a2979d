// What a connection makes of bytes and answers.
#include "http/connection_test.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace belfry::http {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(ConnectionTest, ARequestIsAcceptedWithAllItsParts) {
  Receive("POST /x?y HTTP/1.1\r\nHost: a\r\nX-Thing: b\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].id, (RequestId{{1, 2}, 1}));
  EXPECT_EQ(requests_[0].method, "POST");
  EXPECT_EQ(requests_[0].target, "/x?y");
  EXPECT_EQ(requests_[0].header("x-thing"), "b");
  EXPECT_EQ(requests_[0].header("missing"), "");
  EXPECT_EQ(requests_[0].body, "hi");
}

TEST_F(ConnectionTest, AnAnswerStatesItsLengthAndGoesOnWithTheConnection) {
  Receive(Get("/"));
  Answer(1, "hello", 201, {{"X-Thing", "b"}});
  EXPECT_EQ(Written(),
            "HTTP/1.1 201 Created\r\nX-Thing: b\r\nDate: today\r\nContent-Length: 5\r\n"
            "Connection: keep-alive\r\n\r\nhello");
  EXPECT_FALSE(closed_);
  Receive(Get("/next"));
  EXPECT_THAT(Targets(), ElementsAre("/", "/next"));
}

TEST_F(ConnectionTest, AnswersLeaveInTheOrderOfTheirRequests) {
  Receive(Get("/1") + Get("/2") + Get("/3"));
  Answer(3, "three");
  Answer(2, "two");
  EXPECT_EQ(Written(), "");
  Answer(1, "one");
  const std::string all = Written();
  EXPECT_LT(all.find("one"), all.find("two"));
  EXPECT_LT(all.find("two"), all.find("three"));
  EXPECT_THAT(all, EndsWith("three"));
  EXPECT_EQ(unsettled_, 0);
}

TEST_F(ConnectionTest, OnlyTheFirstAnswerCounts) {
  Receive(Get("/1") + Get("/2"));
  Answer(2, "first");
  Answer(2, "second");
  Answer(7, "nobody asked");
  Answer(1, "one");
  Answer(1, "again");
  const std::string all = Written();
  EXPECT_THAT(all, HasSubstr("first"));
  EXPECT_THAT(all, Not(HasSubstr("second")));
  EXPECT_THAT(all, Not(HasSubstr("nobody")));
  EXPECT_THAT(all, Not(HasSubstr("again")));
  EXPECT_EQ(unsettled_, 0);
}

TEST_F(ConnectionTest, AFullPipelineIsNotReadUntilThereIsRoom) {
  std::string many;
  for (int i = 1; i <= 9; ++i) many += Get("/" + std::to_string(i));
  Receive(many + "GET /late HT");
  EXPECT_THAT(Targets(), ElementsAre("/1", "/2", "/3"));
  EXPECT_TRUE(paused_);
  for (std::uint64_t i = 1; i <= 9; ++i) Answer(i, "");
  EXPECT_EQ(requests_.size(), 9u);
  EXPECT_FALSE(paused_);
  Receive("TP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(requests_.back().target, "/late");
}

TEST_F(ConnectionTest, NothingIsReadAfterConnectionClose) {
  Receive(Get("/", "Connection: close\r\n") + Get("/ignored"));
  Receive(Get("/ignored too"));
  Answer(1, "bye");
  EXPECT_THAT(Written(), HasSubstr("Connection: close"));
  EXPECT_TRUE(closed_);
  EXPECT_THAT(Targets(), ElementsAre("/"));
}

TEST_F(ConnectionTest, AnAnswerMayAskForTheClose) {
  Receive(Get("/1") + Get("/2"));
  Answer(2, "dropped");
  Answer(1, "bye", 200, {{"connection", "Close"}});
  const std::string all = Written();
  EXPECT_THAT(all, HasSubstr("Connection: close"));
  EXPECT_THAT(all, Not(HasSubstr("dropped")));
  EXPECT_TRUE(closed_);
  EXPECT_EQ(unsettled_, 0);
}

TEST_F(ConnectionTest, AHeadGetsTheLengthButNoBody) {
  Receive("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  Answer(1, "hello");
  const std::string all = Written();
  EXPECT_THAT(all, HasSubstr("Content-Length: 5"));
  EXPECT_THAT(all, EndsWith("\r\n\r\n"));
}

TEST_F(ConnectionTest, NoContentAndNotModifiedHaveNoBody) {
  for (const int status : {204, 304}) {
    Receive(Get("/"));
    Answer(requests_.size(), "hello", status);
    const std::string all = Written();
    EXPECT_THAT(all, Not(HasSubstr("Content-Length")));
    EXPECT_THAT(all, EndsWith("\r\n\r\n"));
  }
}

TEST_F(ConnectionTest, FramingHeadersOfAnAnswerAreNotSent) {
  Receive(Get("/"));
  Answer(1, "hello", 200,
         {{"content-length", "1"}, {"Transfer-Encoding", "chunked"}, {"Date", "my own"}});
  const std::string all = Written();
  EXPECT_THAT(all, Not(HasSubstr("content-length")));
  EXPECT_THAT(all, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(all, HasSubstr("Date: my own\r\n"));
  EXPECT_THAT(all, Not(HasSubstr("today")));
}

TEST_F(ConnectionTest, WhatCannotBeSentIsAnswered500) {
  using namespace std::string_literals;
  const std::vector<std::pair<int, Header>> bad = {
      {200, {"X", "a\r\nSet-Cookie: b"}},
      {200, {"X", "a\nb"}},
      {200, {"X", "a\rb"}},
      {200, {"X", "a\0b"s}},
      {200, {"X\r\nY", "a"}},
      {200, {"", "a"}},
      {200, {"X Y", "a"}},
      {200, {"X:", "a"}},
      {100, {"X", "a"}},
      {0, {"X", "a"}},
      {1000, {"X", "a"}},
  };
  std::uint64_t number = 0;
  for (const auto& [status, header] : bad) {
    Receive(Get("/"));
    Answer(++number, "secret", status, {header});
    const std::string all = Written();
    EXPECT_THAT(all, StartsWith("HTTP/1.1 500 "));
    EXPECT_THAT(all, Not(HasSubstr("secret")));
    EXPECT_THAT(all, Not(HasSubstr("Set-Cookie")));
  }
  EXPECT_FALSE(closed_);
}

}  // namespace
}  // namespace belfry::http
