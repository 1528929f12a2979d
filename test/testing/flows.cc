#include "testing/flows.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

namespace belfry::testing {
namespace {

using std::chrono::seconds;

// The subscriptions of a flow: made with a name, kept until its end.
class Wires {
 public:
  explicit Wires(World& world) : world_(world) {}
  template <class F>
  void On(const char* name, F f) {
    kept_.push_back(world_.dispatcher().Subscribe(std::move(f), {.name = name}));
  }
  template <class E>
  void Publish(E event) {
    EXPECT_TRUE(world_.dispatcher().Publish(std::move(event)));
  }
  World& world() { return world_; }

 private:
  World& world_;
  std::vector<Subscription> kept_;
};

// --- A read and a write with an event in between ---

struct Deposit {
  int amount;
};
struct BalanceRead {
  int balance;
  int amount;
};

void LostUpdate(World& world, bool mended) {
  int balance = 0;
  Wires wires(world);
  wires.On("account.read", [&](const Deposit& deposit) -> std::optional<BalanceRead> {
    if (!mended) return BalanceRead{balance, deposit.amount};
    balance += deposit.amount;
    return std::nullopt;
  });
  wires.On("account.write", [&](const BalanceRead& was) { balance = was.balance + was.amount; });
  wires.Publish(Deposit{10});
  wires.Publish(Deposit{20});
  world.Run();
  EXPECT_EQ(balance, 30);
}

// --- A time-out and what it waits for cross ---

struct MailWanted {};
struct MailSent {};
struct SendingTimedOut {};

void TwoMails(World& world, bool mended) {
  int mails = 0;
  bool sent = false;
  Scheduled timeout;
  Wires wires(world);
  wires.On("mail.send", [&](const MailWanted&) {
    ++mails;
    world.FinishLater("the mail server's answer", seconds(30), [&] { wires.Publish(MailSent{}); });
    timeout = world.dispatcher().PublishAfter(seconds(30), SendingTimedOut{});
  });
  wires.On("mail.accept", [&](const MailSent&) {
    sent = true;
    timeout.Cancel();
  });
  wires.On("mail.again", [&](const SendingTimedOut&) {
    // The mended one asks the server whether it has the mail.
    if (mended ? world.now() >= seconds(30) : sent) return;
    ++mails;
  });
  wires.Publish(MailWanted{});
  world.RunFor(seconds(60));
  EXPECT_EQ(mails, 1);
}

// --- Two that hear of one thing, and one relies on the other's having heard first ---

struct OrderPlaced {
  int order;
};
struct Shipped {
  int order;
};

void ShippedBeforeItIsBilled(World& world, bool mended) {
  std::set<int> billed;
  bool ever_unbilled = false;
  Wires wires(world);
  struct Billed {
    int order;
  };
  wires.On("bill", [&](const OrderPlaced& order) {
    billed.insert(order.order);
    return Billed{order.order};
  });
  const auto ship = [&](int order) { ever_unbilled = ever_unbilled || !billed.contains(order); };
  if (mended) {
    wires.On("ship", [=](const Billed& order) { ship(order.order); });
  } else {
    wires.On("ship", [=](const OrderPlaced& order) { ship(order.order); });
  }
  wires.Publish(OrderPlaced{1});
  world.Run();
  EXPECT_FALSE(ever_unbilled);
}

// --- A cache is filled with what was overwritten meanwhile ---

struct PriceAsked {};
struct PriceRead {
  int price;
  int version;
};
struct PriceChanged {
  int price;
};
struct CacheOutdated {
  int version;
};

void StaleCache(World& world, bool mended) {
  int price = 1;
  int version = 1;
  std::optional<int> cached;
  int outdated = 0;
  Wires wires(world);
  wires.On("store.read", [&](const PriceAsked&) { return PriceRead{price, version}; });
  wires.On("store.write", [&](const PriceChanged& changed) {
    price = changed.price;
    return CacheOutdated{version++};
  });
  wires.On("cache.fill", [&](const PriceRead& read) {
    if (mended && read.version <= outdated) return;
    cached = read.price;
  });
  wires.On("cache.clear", [&](const CacheOutdated& old) {
    outdated = old.version;
    cached.reset();
  });
  wires.Publish(PriceAsked{});
  wires.Publish(PriceChanged{2});
  world.Run();
  EXPECT_EQ(cached.value_or(price), price);
}

// --- Looked first, taken later ---

struct SeatWanted {
  std::string by;
};
struct SeatIsFree {
  std::string by;
};

void SeatSoldTwice(World& world, bool mended) {
  std::vector<std::string> sold;
  Wires wires(world);
  const auto look = [&](const SeatWanted& wanted) -> std::optional<SeatIsFree> {
    if (!sold.empty()) return std::nullopt;
    return SeatIsFree{wanted.by};
  };
  wires.On("seat.look", look);
  wires.On("seat.sell", [&](const SeatIsFree& free) {
    if (mended && !sold.empty()) return;
    sold.push_back(free.by);
  });
  wires.Publish(SeatWanted{"ada"});
  wires.Publish(SeatWanted{"bob"});
  world.Run();
  EXPECT_EQ(sold.size(), 1U);
}

// --- A read model of two types of events ---

struct UserCreated {
  std::string name;
};
struct UserRenamed {
  std::string name;
};

void RenamedBeforeItWasCreated(World& world, bool mended) {
  std::optional<std::string> name;
  bool renamed = false;
  Wires wires(world);
  wires.On("users.create", [&](const UserCreated& user) {
    if (!mended || !renamed) name = user.name;
  });
  wires.On("users.rename", [&](const UserRenamed& user) {
    renamed = true;
    if (mended || name.has_value()) name = user.name;
  });
  wires.Publish(UserCreated{"ada"});
  wires.Publish(UserRenamed{"ada lovelace"});
  world.Run();
  EXPECT_EQ(name, "ada lovelace");
}

// --- Who listens from an event on, misses what comes with it ---

struct SessionOpened {};
struct MessageReceived {};

void MessageToNobody(World& world, bool mended) {
  int heard = 0;
  std::optional<Subscription> chat;
  Wires wires(world);
  const auto listen = [&] {
    chat = world.dispatcher().Subscribe([&](const MessageReceived&) { ++heard; }, {.name = "chat"});
  };
  if (mended) listen();
  wires.On("session", [&](const SessionOpened&) {
    if (!mended) listen();
  });
  wires.On("socket", [&](const SessionOpened&) { return MessageReceived{}; });
  wires.Publish(SessionOpened{});
  world.Run();
  EXPECT_EQ(heard, 1);
}

// --- Undone before it was done ---

struct TripBooked {};
struct RoomReserved {};
struct CardRefused {};

void RoomThatIsNeverGivenBack(World& world, bool mended) {
  bool reserved = false;
  bool undone = false;
  Wires wires(world);
  wires.On("hotel.reserve", [&](const TripBooked&) { return RoomReserved{}; });
  wires.On("card.charge", [&](const TripBooked&) { return CardRefused{}; });
  wires.On("hotel.confirm", [&](const RoomReserved&) { reserved = !(mended && undone); });
  wires.On("hotel.cancel", [&](const CardRefused&) {
    undone = true;
    reserved = false;
  });
  wires.Publish(TripBooked{});
  world.Run();
  EXPECT_FALSE(reserved);
}

// --- Delivered twice, as by a queue that cannot know better ---

struct ChargeWanted {
  int order;
};

void ChargedTwice(World& world, bool mended) {
  int charged = 0;
  std::set<int> done;
  Wires wires(world);
  wires.On("card.charge", [&](const ChargeWanted& wanted) {
    if (!mended || done.insert(wanted.order).second) ++charged;
  });
  world.faults().MayDuplicate("card.charge", 1);
  wires.Publish(ChargeWanted{1});
  world.Run();
  EXPECT_EQ(charged, 1);
}

// --- All is over before all has begun ---

struct JobAdded {
  int job;
};
struct JobDone {
  int job;
};

void OverTooEarly(World& world, bool mended) {
  int open = 0;
  int done = 0;
  int told = 0;
  Wires wires(world);
  wires.On("job.count", [&](const JobAdded&) { ++open; });
  wires.On("job.run", [&](const JobAdded& job) { return JobDone{job.job}; });
  wires.On("job.finish", [&](const JobDone&) {
    ++done;
    const bool over = mended ? done == 2 : --open == 0;
    told += over ? 1 : 0;
  });
  wires.Publish(JobAdded{1});
  wires.Publish(JobAdded{2});
  world.Run();
  EXPECT_EQ(told, 1);
}

// --- Dead, though it has just said that it is not ---

struct Beat {
  int number;
};
struct LookedAt {};

void DeadThoughItBeats(World& world, bool mended) {
  Nanoseconds last{};
  bool dead = false;
  Wires wires(world);
  wires.On("heart.listen", [&](const Beat&) { last = world.now(); });
  wires.On("heart.look", [&](const LookedAt&) {
    const Nanoseconds limit = mended ? seconds(11) : seconds(10);
    dead = dead || world.now() - last >= limit;
  });
  EXPECT_TRUE(world.dispatcher().PublishAfter(seconds(10), Beat{1}).result());
  EXPECT_TRUE(world.dispatcher().PublishAfter(seconds(10), LookedAt{}).result());
  world.RunFor(seconds(15));
  EXPECT_FALSE(dead);
}

// --- Two who renew one token ---

struct Expiring {
  std::string who;
};
struct TokenMade {
  std::string who;
  int token;
};

void TokenThatIsOldAlready(World& world, bool mended) {
  int valid = 0;
  int used = 0;
  Wires wires(world);
  wires.On("token.renew", [&](const Expiring& expiring) {
    return TokenMade{expiring.who, ++valid};
  });
  wires.On("api.ada", [&](const TokenMade& made) {
    if (made.who == "ada" && (!mended || made.token > used)) used = made.token;
  });
  wires.On("api.bob", [&](const TokenMade& made) {
    if (made.who == "bob" && (!mended || made.token > used)) used = made.token;
  });
  wires.Publish(Expiring{"ada"});
  wires.Publish(Expiring{"bob"});
  world.Run();
  EXPECT_EQ(used, valid);
}

}  // namespace

const std::vector<Flow>& Flows() {
  static const std::vector<Flow> flows{
      {"LostUpdate", LostUpdate, 1},
      {"TwoMails", TwoMails, 2},
      {"ShippedBeforeItIsBilled", ShippedBeforeItIsBilled, 1},
      {"StaleCache", StaleCache, 1},
      {"SeatSoldTwice", SeatSoldTwice, 1},
      {"RenamedBeforeItWasCreated", RenamedBeforeItWasCreated, 1},
      {"MessageToNobody", MessageToNobody, 1},
      {"RoomThatIsNeverGivenBack", RoomThatIsNeverGivenBack, 1},
      {"ChargedTwice", ChargedTwice, 1},
      {"OverTooEarly", OverTooEarly, 1},
      {"DeadThoughItBeats", DeadThoughItBeats, 1},
      {"TokenThatIsOldAlready", TokenThatIsOldAlready, 3},
  };
  return flows;
}

}  // namespace belfry::testing
