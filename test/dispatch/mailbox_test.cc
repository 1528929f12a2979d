// The queue of one listener on its own: in which order its events may start, and which of them goes
// when there is no room.

#include "dispatch/mailbox.h"

#include <gtest/gtest.h>

#include <list>

namespace belfry {
namespace {

using Policy = Overflow::Policy;
using Room = Mailbox::Room;

// Mail without an event: the mailbox never looks at that. The publication's address tells which.
class MailboxTest : public testing::Test {
 protected:
  Mail& Make(std::uint64_t key = 0, std::size_t bytes = 1, KeyValue same = {}) {
    Mail& mail = all_.emplace_back();
    mail.key = key;
    mail.bytes = bytes;
    mail.same = std::move(same);
    mail.publication = reinterpret_cast<Publication*>(all_.size() * 64);
    return mail;
  }
  static void Put(Mailbox& box, Mail& mail) {
    ASSERT_EQ(box.RoomFor(mail), Room::kYes);
    box.Reserve(mail);
    ASSERT_TRUE(box.Put(mail));
  }

  std::list<Mail> all_;
};

TEST_F(MailboxTest, WithoutKeysAllMayStartInTheOrderInWhichTheyCame) {
  Mailbox box({.limit = {}});
  Mail& first = Make();
  Mail& second = Make();
  Put(box, first);
  Put(box, second);
  EXPECT_EQ(box.Start(), &first);
  EXPECT_EQ(box.Start(), &second);
  EXPECT_EQ(box.Start(), nullptr);
  EXPECT_EQ(box.running(), 2U);
  box.End(first);
  box.End(second);
  EXPECT_EQ(box.running(), 0U);
}

TEST_F(MailboxTest, O2_WhatHasTheKeyOfARunningOneWaitsAndOthersDoNot) {
  Mailbox box({.strands = 64});
  Mail& a1 = Make(1);
  Mail& a2 = Make(1);
  Mail& a3 = Make(1);
  Mail& b1 = Make(2);
  for (Mail* const mail : {&a1, &a2, &b1, &a3}) Put(box, *mail);
  EXPECT_EQ(box.Start(), &a1);
  EXPECT_EQ(box.Start(), &b1);
  EXPECT_EQ(box.Start(), nullptr);
  EXPECT_EQ(box.queued(), 2U);
  box.End(a1);
  EXPECT_EQ(box.Start(), &a2);
  EXPECT_EQ(box.Start(), nullptr);
  box.End(a2);
  EXPECT_EQ(box.Start(), &a3);
  box.End(a3);
  box.End(b1);
  EXPECT_FALSE(box.ready());
}

TEST_F(MailboxTest, B1_TheLimitsHoldToTheEventAndToTheByteAndCountWhatIsReserved) {
  Mailbox box({.limit = {.events_max = 2, .bytes_max = 10}, .policy = Policy::kReject});
  EXPECT_EQ(box.RoomFor(Make(0, 11)), Room::kNever);
  Mail& large = Make(0, 6);
  box.Reserve(large);
  EXPECT_EQ(box.RoomFor(Make(0, 5)), Room::kNo);
  EXPECT_EQ(box.RoomFor(Make(0, 4)), Room::kYes);
  box.GiveBack(large);
  EXPECT_EQ(box.RoomFor(Make(0, 10)), Room::kYes);
  Put(box, Make());
  Put(box, Make());
  EXPECT_EQ(box.RoomFor(Make()), Room::kNo);
  Mail* const started = box.Start();
  EXPECT_EQ(box.RoomFor(Make()), Room::kYes) << "what runs is not queued";
  box.End(*started);
}

TEST_F(MailboxTest, TheOldestGoesWhereverItWaits) {
  Mailbox box({.policy = Policy::kDropOldest, .strands = 64});
  Mail& a1 = Make(1);
  Mail& a2 = Make(1);
  Mail& b1 = Make(2);
  for (Mail* const mail : {&a1, &a2, &b1}) Put(box, *mail);
  EXPECT_EQ(box.TakeOldest(), &a1) << "it was ready: the next of its key is then";
  EXPECT_EQ(box.Start(), &b1);
  EXPECT_EQ(box.Start(), &a2);
  Mail& a3 = Make(1);
  Put(box, a3);
  EXPECT_EQ(box.TakeOldest(), &a3) << "it waited for a running one";
  box.End(a2);
  EXPECT_EQ(box.Start(), nullptr);
  EXPECT_EQ(box.TakeOldest(), nullptr);
  box.End(b1);
}

TEST_F(MailboxTest, OneWithTheSameKeyTakesThePlaceOfTheOneThatWaits) {
  Mailbox box({.limit = {.events_max = 2}, .policy = Policy::kCoalesce});
  Mail& belf = Make(0, 1, {7, "BELF"});
  Mail& other = Make(0, 1, {7, "OTHR"});  // another one with the same hash
  Put(box, belf);
  Put(box, other);
  EXPECT_EQ(box.RoomFor(Make(0, 1, {7, "THRD"})), Room::kNo);
  Mail& newer = Make(0, 1, {7, "BELF"});
  Publication* const old_event = belf.publication;
  Publication* const new_event = newer.publication;
  ASSERT_EQ(box.RoomFor(newer), Room::kYes) << "full, but it replaces one";
  box.Reserve(newer);
  EXPECT_FALSE(box.Put(newer));
  EXPECT_EQ(newer.publication, old_event);
  EXPECT_EQ(box.Start(), &belf);
  EXPECT_EQ(belf.publication, new_event);
  EXPECT_EQ(box.Start(), &other);
  box.End(belf);
  box.End(other);
}

TEST_F(MailboxTest, B5_UrgentOnesStartFirstButOvertakeOneSoOftenAtMost) {
  Mailbox box({.starvation_max = 2});
  std::vector<Mail*> bulk;
  std::vector<Mail*> urgent;
  for (int i = 0; i < 2; ++i) {
    bulk.push_back(&Make());
    bulk.back()->lane = Lane::kBulk;
    Put(box, *bulk.back());
  }
  for (int i = 0; i < 6; ++i) {
    urgent.push_back(&Make());
    urgent.back()->lane = Lane::kUrgent;
    Put(box, *urgent.back());
  }
  const std::vector<Mail*> expected = {urgent[0], urgent[1], bulk[0],   urgent[2],
                                       urgent[3], bulk[1],   urgent[4], urgent[5]};
  for (Mail* const mail : expected) {
    EXPECT_EQ(box.next(), mail);
    ASSERT_EQ(box.Start(), mail);
    box.End(*mail);
  }
  EXPECT_EQ(box.Start(), nullptr);
}

TEST_F(MailboxTest, B5_WhoIsDroppedTakesAlongHowOftenItWasOvertaken) {
  Mailbox box({.policy = Policy::kDropOldest, .starvation_max = 1});
  const auto put = [&](Lane lane) -> Mail& {
    Mail& mail = Make();
    mail.lane = lane;
    Put(box, mail);
    return mail;
  };
  Mail& bulk1 = put(Lane::kBulk);
  Mail& urgent1 = put(Lane::kUrgent);
  EXPECT_EQ(box.Start(), &urgent1);
  EXPECT_EQ(box.TakeOldest(), &bulk1);
  Mail& urgent2 = put(Lane::kUrgent);
  Mail& bulk2 = put(Lane::kBulk);
  EXPECT_EQ(box.Start(), &urgent2);
  EXPECT_EQ(box.Start(), &bulk2);
  for (Mail* const mail : {&urgent1, &urgent2, &bulk2}) box.End(*mail);
}

TEST_F(MailboxTest, B1_WhatKeepsItsPlaceIsReplacedOnceTooOftenAtMost) {
  Mailbox box({.limit = {.events_max = 1}, .policy = Policy::kCoalesce, .retries = true});
  Mail& first = Make(0, 1, {1});
  Put(box, first);
  Mail& second = Make(0, 1, {1});
  ASSERT_EQ(box.RoomFor(second), Room::kYes);
  box.Reserve(second);
  EXPECT_EQ(box.Start(), &first);
  EXPECT_TRUE(box.Put(second)) << "it found nothing to replace any more";
  EXPECT_EQ(box.RoomFor(Make(0, 1, {1})), Room::kNo);
  box.Park(first);
  EXPECT_EQ(box.RoomFor(Make(0, 1, {1})), Room::kNo);
  EXPECT_FALSE(box.Unpark(first)) << "the second one is newer";
  EXPECT_EQ(box.Start(), &second);
  box.End(second);
  EXPECT_TRUE(box.idle());
  EXPECT_EQ(box.RoomFor(Make(0, 1, {1})), Room::kYes);
}

TEST_F(MailboxTest, O6_WhatIsParkedInOrderHoldsItsStrand) {
  Mailbox box({.strands = 64, .retries = true, .ordered = true});
  Mail& a1 = Make(1);
  Mail& a2 = Make(1);
  Put(box, a1);
  Put(box, a2);
  EXPECT_EQ(box.Start(), &a1);
  box.Park(a1);
  EXPECT_FALSE(box.ready());
  EXPECT_TRUE(box.Unpark(a1));
  EXPECT_EQ(box.Start(), &a1);
  box.Park(a1);
  EXPECT_EQ(box.TakeParked(), &a1);
  EXPECT_EQ(box.Start(), &a2) << "who takes it away lets go of the strand";
  box.End(a2);
}

TEST_F(MailboxTest, WhoWasToReplaceOneThatHasStartedGetsItsPlace) {
  Mailbox box({.limit = {.events_max = 1}, .policy = Policy::kCoalesce});
  Mail& first = Make(0, 1, {1});
  Put(box, first);
  Mail& second = Make(0, 1, {1});
  Mail& third = Make(0, 1, {1});
  for (Mail* const mail : {&second, &third}) {
    ASSERT_EQ(box.RoomFor(*mail), Room::kYes);
    box.Reserve(*mail);
  }
  EXPECT_EQ(box.Start(), &first);
  EXPECT_EQ(box.RoomFor(Make(0, 1, {2})), Room::kNo);
  EXPECT_TRUE(box.Put(second));
  EXPECT_FALSE(box.Put(third));
  EXPECT_EQ(box.queued(), 1U);
  box.End(first);
}

}  // namespace
}  // namespace belfry
