// The queue of one listener on its own: in which order its events may start, and which of them goes
// when there is no room. And many steps at random against a plain model.

#include "dispatch/mailbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "scale.h"

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
  Mailbox box({}, Policy::kBlock, 0);
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
  Mailbox box({}, Policy::kBlock, 64);
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
  Mailbox box({.events_max = 2, .bytes_max = 10}, Policy::kReject, 0);
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
  Mailbox box({}, Policy::kDropOldest, 64);
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
  Mailbox box({.events_max = 2}, Policy::kCoalesce, 0);
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

TEST_F(MailboxTest, WhoWasToReplaceOneThatHasStartedGetsItsPlace) {
  Mailbox box({.events_max = 1}, Policy::kCoalesce, 0);
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

// --- Against a model ---

// The same with plain lists, and no regard to speed.
class Model {
 public:
  Model(QueueLimit limit, Policy policy, bool keyed)
      : limit_(limit), policy_(policy), keyed_(keyed) {}

  struct Event {
    int number;
    std::uint64_t key;
    std::size_t bytes;
    std::uint64_t same;
  };

  Room RoomFor(const Event& event) const {
    if (event.bytes > limit_.bytes_max) return Room::kNever;
    bool fits = queued.size() + reserved.size() < limit_.events_max;
    std::size_t bytes = 0;
    for (const Event& other : queued) bytes += other.bytes;
    for (const Event& other : reserved) bytes += other.bytes;
    if (const auto alike = Alike(event); alike != queued.end()) {
      fits = true;
      bytes -= alike->bytes;
    }
    return fits && bytes + event.bytes <= limit_.bytes_max ? Room::kYes : Room::kNo;
  }
  std::list<Event>::const_iterator Alike(const Event& event) const {
    return policy_ != Policy::kCoalesce
               ? queued.end()
               : std::find_if(queued.begin(), queued.end(), [&](const Event& other) {
                   return other.same == event.same && other.key == event.key;
                 });
  }
  // Which of those queued may start: the first of each key that nobody runs.
  std::set<int> Ready() const {
    std::set<int> ready;
    std::set<std::uint64_t> busy;
    if (keyed_) {
      for (const Event& event : running) busy.insert(event.key);
    }
    for (const Event& event : queued) {
      if (!keyed_ || busy.insert(event.key).second) ready.insert(event.number);
    }
    return ready;
  }

  std::list<Event> reserved;
  std::list<Event> queued;
  std::list<Event> running;

 private:
  const QueueLimit limit_;
  const Policy policy_;
  const bool keyed_;
};

// Each event's number is in its publication's address, so that one that has taken the place of
// another is told from it.
class MailboxModelTest : public testing::TestWithParam<Policy> {
 protected:
  static Publication* Named(int number) {
    return reinterpret_cast<Publication*>(static_cast<std::uintptr_t>(number) * 64);
  }
  static int NameOf(const Mail& mail) {
    return static_cast<int>(reinterpret_cast<std::uintptr_t>(mail.publication) / 64);
  }

  void Walk(unsigned seed, bool keyed, int steps) {
    std::minstd_rand random(seed);
    const auto below = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
    const QueueLimit limit{1 + below(6), 4 + below(20)};
    Mailbox box(limit, GetParam(), keyed ? 1024 : 0);
    Model model(limit, GetParam(), keyed);
    std::map<int, std::unique_ptr<Mail>> coming;
    std::map<Mail*, std::unique_ptr<Mail>> inside;
    std::map<Mail*, int> running;
    for (int number = 1; number <= steps; ++number) {
      switch (below(6)) {
        case 0:
        case 1: {  // one wants to come
          const Model::Event event{number, below(4), 1 + below(6), below(3)};
          auto mail = std::make_unique<Mail>();
          mail->publication = Named(number);
          mail->key = event.key;
          mail->bytes = event.bytes;
          mail->same = {event.same};
          ASSERT_EQ(box.RoomFor(*mail), model.RoomFor(event));
          if (model.RoomFor(event) != Room::kYes) break;
          box.Reserve(*mail);
          model.reserved.push_back(event);
          coming[number] = std::move(mail);
          break;
        }
        case 2: {  // one has come, or does not
          if (coming.empty()) break;
          const auto who = std::next(coming.begin(), below(static_cast<unsigned>(coming.size())));
          const auto event =
              std::find_if(model.reserved.begin(), model.reserved.end(),
                           [&](const auto& other) { return other.number == who->first; });
          Mail* const mail = who->second.get();
          if (below(4) == 0) {
            box.GiveBack(*mail);
            model.reserved.erase(event);
          } else if (const auto alike = model.Alike(*event); alike != model.queued.end()) {
            const int replaced = alike->number;
            ASSERT_FALSE(box.Put(*mail));
            ASSERT_EQ(NameOf(*mail), replaced);
            *std::find_if(model.queued.begin(), model.queued.end(),
                          [&](const auto& other) { return other.number == replaced; }) = *event;
            model.reserved.erase(event);
          } else {
            ASSERT_TRUE(box.Put(*mail));
            model.queued.splice(model.queued.end(), model.reserved, event);
            inside[mail] = std::move(who->second);
          }
          coming.erase(who);
          break;
        }
        case 3: {  // one starts
          const std::set<int> ready = model.Ready();
          ASSERT_EQ(box.ready(), !ready.empty());
          Mail* const mail = box.Start();
          ASSERT_EQ(mail == nullptr, ready.empty());
          if (mail == nullptr) break;
          ASSERT_EQ(ready.count(NameOf(*mail)), 1U);
          if (!keyed) {
            ASSERT_EQ(NameOf(*mail), model.queued.front().number);
          }
          const auto event =
              std::find_if(model.queued.begin(), model.queued.end(),
                           [&](const auto& other) { return other.number == NameOf(*mail); });
          running[mail] = event->number;
          model.running.splice(model.running.end(), model.queued, event);
          break;
        }
        case 4: {  // one ends
          if (running.empty()) break;
          const auto who = std::next(running.begin(), below(static_cast<unsigned>(running.size())));
          box.End(*who->first);
          model.running.remove_if([&](const auto& event) { return event.number == who->second; });
          inside.erase(who->first);
          running.erase(who);
          break;
        }
        case 5: {  // the oldest goes
          if (below(3) != 0) break;
          Mail* const oldest = box.TakeOldest();
          ASSERT_EQ(oldest == nullptr, model.queued.empty());
          if (oldest == nullptr) break;
          ASSERT_EQ(NameOf(*oldest), model.queued.front().number);
          model.queued.pop_front();
          inside.erase(oldest);
          break;
        }
      }
      ASSERT_EQ(box.queued(), model.queued.size());
      ASSERT_EQ(box.running(), model.running.size());
      ASSERT_LE(box.queued(), limit.events_max);
    }
  }
};

TEST_P(MailboxModelTest, ItDoesWhatAPlainModelDoes) {
  const int walks = Scaled(300, 30'000);
  for (int walk = 0; walk < walks; ++walk) {
    for (const bool keyed : {false, true}) {
      SCOPED_TRACE("seed " + std::to_string(walk) + (keyed ? ", with keys" : ""));
      Walk(static_cast<unsigned>(walk) + 1, keyed, 400);
      if (HasFatalFailure()) return;
    }
  }
}

std::string PolicyName(const testing::TestParamInfo<Policy>& info) {
  switch (info.param) {
    case Policy::kBlock:
      return "Block";
    case Policy::kReject:
      return "Reject";
    case Policy::kDropNewest:
      return "DropNewest";
    case Policy::kDropOldest:
      return "DropOldest";
    case Policy::kCoalesce:
      return "Coalesce";
  }
  return "?";
}
INSTANTIATE_TEST_SUITE_P(Policies, MailboxModelTest,
                         testing::Values(Policy::kBlock, Policy::kDropOldest, Policy::kCoalesce),
                         PolicyName);

}  // namespace
}  // namespace belfry
