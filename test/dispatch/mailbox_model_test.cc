// A mailbox against a plain model: many steps at random, after each of which both agree.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "dispatch/mailbox.h"
#include "scale.h"

namespace belfry {
namespace {

using Policy = Overflow::Policy;
using Room = Mailbox::Room;

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

// A mailbox and its model on their way together. Each event's number is in its publication's
// address, so that one that has taken the place of another is told from it.
class Walk {
 public:
  Walk(unsigned seed, Policy policy, bool keyed)
      : random_(seed),
        keyed_(keyed),
        limit_{1 + Below(6), 4 + Below(20)},
        box_({.limit = limit_, .policy = policy, .strands = keyed ? 1024U : 0U}),
        model_(limit_, policy, keyed) {}

  // Fails the test where they differ.
  void Step(int number) {
    switch (Below(6)) {
      case 0:
      case 1:
        Announce(number);
        break;
      case 2:
        Arrive();
        break;
      case 3:
        Start();
        break;
      case 4:
        End();
        break;
      case 5:
        if (Below(3) == 0) DropOldest();
        break;
    }
    ASSERT_EQ(box_.queued(), model_.queued.size());
    ASSERT_EQ(box_.running(), model_.running.size());
    ASSERT_LE(box_.queued(), limit_.events_max);
  }

 private:
  unsigned Below(unsigned n) { return static_cast<unsigned>(random_()) % n; }
  static Publication* Named(int number) {
    return reinterpret_cast<Publication*>(static_cast<std::uintptr_t>(number) * 64);
  }
  static int NameOf(const Mail& mail) {
    return static_cast<int>(reinterpret_cast<std::uintptr_t>(mail.publication) / 64);
  }
  static auto Find(std::list<Model::Event>& events, int number) {
    return std::find_if(events.begin(), events.end(),
                        [&](const auto& other) { return other.number == number; });
  }
  template <class Map>
  auto AnyOf(Map& map) {
    return std::next(map.begin(), Below(static_cast<unsigned>(map.size())));
  }

  // One wants to come, and reserves a place if there is room.
  void Announce(int number) {
    const Model::Event event{number, Below(4), 1 + Below(6), Below(3)};
    auto mail = std::make_unique<Mail>();
    mail->publication = Named(number);
    mail->key = event.key;
    mail->bytes = event.bytes;
    mail->same = {event.same};
    ASSERT_EQ(box_.RoomFor(*mail), model_.RoomFor(event));
    if (model_.RoomFor(event) != Room::kYes) return;
    box_.Reserve(*mail);
    model_.reserved.push_back(event);
    coming_[number] = std::move(mail);
  }

  // One that has reserved a place takes it, or gives it back.
  void Arrive() {
    if (coming_.empty()) return;
    const auto who = AnyOf(coming_);
    const auto event = Find(model_.reserved, who->first);
    Mail* const mail = who->second.get();
    if (Below(4) == 0) {
      box_.GiveBack(*mail);
      model_.reserved.erase(event);
    } else if (const auto alike = model_.Alike(*event); alike != model_.queued.end()) {
      const int replaced = alike->number;
      ASSERT_FALSE(box_.Put(*mail));
      ASSERT_EQ(NameOf(*mail), replaced);
      *Find(model_.queued, replaced) = *event;
      model_.reserved.erase(event);
    } else {
      ASSERT_TRUE(box_.Put(*mail));
      model_.queued.splice(model_.queued.end(), model_.reserved, event);
      inside_[mail] = std::move(who->second);
    }
    coming_.erase(who);
  }

  void Start() {
    const std::set<int> ready = model_.Ready();
    ASSERT_EQ(box_.ready(), !ready.empty());
    Mail* const mail = box_.Start();
    ASSERT_EQ(mail == nullptr, ready.empty());
    if (mail == nullptr) return;
    ASSERT_EQ(ready.count(NameOf(*mail)), 1U);
    if (!keyed_) {
      ASSERT_EQ(NameOf(*mail), model_.queued.front().number);
    }
    const auto event = Find(model_.queued, NameOf(*mail));
    running_[mail] = event->number;
    model_.running.splice(model_.running.end(), model_.queued, event);
  }

  void End() {
    if (running_.empty()) return;
    const auto who = AnyOf(running_);
    box_.End(*who->first);
    model_.running.erase(Find(model_.running, who->second));
    inside_.erase(who->first);
    running_.erase(who);
  }

  void DropOldest() {
    Mail* const oldest = box_.TakeOldest();
    ASSERT_EQ(oldest == nullptr, model_.queued.empty());
    if (oldest == nullptr) return;
    ASSERT_EQ(NameOf(*oldest), model_.queued.front().number);
    model_.queued.pop_front();
    inside_.erase(oldest);
  }

  std::minstd_rand random_;
  const bool keyed_;
  const QueueLimit limit_;
  Mailbox box_;
  Model model_;
  std::map<int, std::unique_ptr<Mail>> coming_;
  std::map<Mail*, std::unique_ptr<Mail>> inside_;
  std::map<Mail*, int> running_;
};

class MailboxModelTest : public testing::TestWithParam<Policy> {};

TEST_P(MailboxModelTest, ItDoesWhatAPlainModelDoes) {
  const int walks = Scaled(300, 30'000);
  for (int seed = 1; seed <= walks; ++seed) {
    for (const bool keyed : {false, true}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + (keyed ? ", with keys" : ""));
      Walk walk(static_cast<unsigned>(seed), GetParam(), keyed);
      for (int step = 1; step <= 400 && !HasFatalFailure(); ++step) walk.Step(step);
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
