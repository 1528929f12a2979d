// How long a connection may take.

#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include "io/stream_fixture.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

class StreamTimeTest : public StreamTest {
 protected:
  void Pass(Nanoseconds time) {
    clock.Advance(time);
    Run(20);
  }
};

TEST_F(StreamTimeTest, AnIdleConnectionEnds) {
  told.echo = true;
  Serve({.connections = {.idle_timeout = seconds(10)}});
  const Client client = Open();
  for (int i = 0; i < 5; ++i) {
    Pass(seconds(9));
    client.Send("x");
    RunUntilTold(static_cast<std::size_t>(i) + 2);
  }
  Pass(milliseconds(9990));
  EXPECT_EQ(told.closes, 0);
  Pass(milliseconds(20));
  RunUntil([&] { return told.closes == 1; });
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_F(StreamTimeTest, WhatIsSentKeepsItFromBeingIdle) {
  Serve({.connections = {.idle_timeout = seconds(10)}});
  const Client client = Open();
  for (int i = 0; i < 5; ++i) {
    Pass(seconds(9));
    told.last->Write("x");
    Run();
  }
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(11));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_F(StreamTimeTest, APeerThatSaysNothingEndsUnlessItIsNotRead) {
  Serve({.connections = {.read_timeout = seconds(10)}});
  const Client client = Open();
  told.last->PauseReading();
  Pass(seconds(100));
  told.last->ResumeReading();
  Pass(seconds(9));
  told.last->Write("does not count");
  Run();
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_F(StreamTimeTest, ThePeersTimeBeginsAnewWhenItIsReadAgain) {
  Serve({.connections = {.write_buffer_max = 64 << 20,
                         .write_buffer_high = 1000,
                         .write_buffer_low = 100,
                         .read_timeout = seconds(10),
                         .write_timeout = {}}});
  const Client client = Open();
  told.last->Write(std::string(16 << 20, 'x'));
  Pass(seconds(100));
  EXPECT_EQ(told.closes, 0);
  while (told.last->unsent() > 0) {
    client.ReceiveSome();
    loop->RunOnce();
  }
  Pass(seconds(9));
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_F(StreamTimeTest, APeerThatTakesNothingEndsAndOneThatTakesALittleDoesNot) {
  Serve({.connections = {.write_buffer_max = 64 << 20, .write_timeout = seconds(10)}});
  const Client client = Open();
  told.last->Write(std::string(32 << 20, 'x'));
  Run();
  for (int i = 0; i < 3; ++i) {
    Pass(seconds(9));
    const std::size_t unsent = told.last->unsent();
    while (told.last->unsent() == unsent) {
      client.ReceiveSome();
      loop->RunOnce();
    }
  }
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(11));
  EXPECT_EQ(told.story.back(), "closed not read 0");
}

TEST_F(StreamTimeTest, ADeadlineEndsItWhateverComes) {
  Serve();
  const Client client = Open();
  told.last->SetDeadline(seconds(5));
  for (int i = 0; i < 4; ++i) {
    Pass(seconds(1));
    client.Send("slowly");
    Run(20);
  }
  told.last->SetDeadline(seconds(5));
  Pass(seconds(4));
  told.last->SetDeadline(std::nullopt);
  Pass(seconds(100));
  EXPECT_EQ(told.closes, 0);
  told.last->SetDeadline(seconds(1));
  told.last->SetDeadline(milliseconds(1));
  Pass(milliseconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_F(StreamTimeTest, ClosingHasItsTimeToo) {
  Serve();
  const Client client = Open();
  told.last->Close();
  Run();
  EXPECT_EQ(client.ReceiveAll(), "");
  Pass(milliseconds(900));
  EXPECT_EQ(told.closes, 0);
  Pass(milliseconds(200));
  EXPECT_EQ(told.story.back(), "closed local 0");
}

TEST_F(StreamTimeTest, OneThatClosesIsIdleWhenItsPeerTakesNothing) {
  Serve({.connections = {
             .write_buffer_max = 64 << 20, .idle_timeout = seconds(10), .write_timeout = {}}});
  const Client client = Open();
  told.last->Write(std::string(32 << 20, 'x'));
  told.last->Close();
  Run();
  Pass(seconds(9));
  const std::size_t unsent = told.last->unsent();
  while (told.last->unsent() == unsent) {
    client.ReceiveSome();
    loop->RunOnce();
  }
  Pass(seconds(9));
  EXPECT_EQ(told.closes, 0);
  Pass(seconds(2));
  EXPECT_EQ(told.story.back(), "closed timed out 0");
}

TEST_F(StreamTimeTest, WithoutLimitsNothingEndsIt) {
  Serve({.connections = {.write_timeout = {}, .connect_timeout = {}}});
  const Client client = Open();
  Pass(std::chrono::hours(24 * 49));
  client.Send("x");
  RunUntilTold(2);
  EXPECT_THAT(told.story, ElementsAre("opened", "data x"));
}

}  // namespace
}  // namespace belfry
