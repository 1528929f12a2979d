// One program of two dialects: plain.cc is compiled with -fno-exceptions -fno-rtti, this file and
// the library are not. Events go both ways, and a failure on one side is nobody else's.

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "belfry/library_events.h"
#include "dialects/plain.h"

namespace belfry {
namespace {

class DialectsTest : public testing::TestWithParam<Run> {
 protected:
  Dispatcher dispatcher;
  plain::Got got;
};
INSTANTIATE_TEST_SUITE_P(Runs, DialectsTest, testing::Values(Run::kQueued, Run::kInline),
                         [](const auto& run) {
                           return run.param == Run::kQueued ? "Queued" : "Inline";
                         });

TEST_P(DialectsTest, BothKnowAnEventByTheSameName) {
  EXPECT_EQ(plain::TypeOfParcel(), EventTypeOf<Parcel>());
}

TEST_P(DialectsTest, EventsGoBothWays) {
  std::string here;
  const Subscription theirs = plain::ListenToParcels(dispatcher, got, GetParam());
  const Subscription ours = dispatcher.Subscribe(
      [&](const Parcel& parcel) { here += parcel.address; }, {.run = GetParam()});
  ASSERT_TRUE(plain::PublishParcel(dispatcher, "Rome"));
  ASSERT_TRUE(dispatcher.Publish(Parcel{"Oslo"}));
  ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  EXPECT_EQ(got.parcels, "RomeOslo");
  EXPECT_EQ(here, "RomeOslo");
}

TEST_P(DialectsTest, AnExceptionOfOneSideDoesNotReachTheOther) {
  const Subscription throws = dispatcher.Subscribe(
      [](const Letter&) { throw std::runtime_error("wet"); }, {.run = GetParam()});
  const Subscription theirs = plain::ListenToLetters(dispatcher, got, GetParam());
  std::string told;
  const Subscription telling =
      dispatcher.Subscribe([&](const ListenerFailed& failure) { told += failure.what; });
  ASSERT_TRUE(plain::PublishLetter(dispatcher, 20));
  ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  EXPECT_EQ(got.letters, 20);
  EXPECT_EQ(told, "wet");
}

TEST_P(DialectsTest, WithoutExceptionsAListenerFailsByWhatItReturns) {
  const Subscription box = plain::RefuseLetters(dispatcher, GetParam());
  std::string told;
  const Subscription telling = dispatcher.Subscribe(
      [&](const ListenerFailed& failure) { told += failure.listener + ": " + failure.what; });
  ASSERT_TRUE(plain::PublishLetter(dispatcher, 20));
  ASSERT_EQ(dispatcher.Drain(), DrainResult::kDrained);
  EXPECT_EQ(told, "box: UNAVAILABLE: the box is full");
}

}  // namespace
}  // namespace belfry
