// The examples in the headers of questions, of publishes that are waited for, and of causes.

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/flow/answer.h"
#include "belfry/flow/ask.h"
#include "belfry/flow/causes.h"
#include "belfry/flow/causes_ring.h"
#include "belfry/flow/gather.h"
#include "belfry/flow/reply.h"
#include "belfry/flow/until.h"
#include "belfry/testing/causes.h"
#include "belfry/testing/world.h"

namespace belfry {
namespace asking_example {

struct User {
  std::string name{};
};

struct Users {
  absl::StatusOr<User> Find(const std::string& email) const {
    const auto found = by_email.find(email);
    if (found == by_email.end()) return absl::NotFoundError("there is no " + email);
    return found->second;
  }
  absl::Status Remove(const std::string& email) {
    return by_email.erase(email) == 1 ? absl::OkStatus() : absl::NotFoundError("no " + email);
  }
  std::map<std::string, User> by_email{{"ada@example.org", {"Ada"}}};
};

// example: flow/ask.h
struct FindUser {
  using Answer = User;
  std::string email;
};
// end of example

struct RemoveUser {
  using Answer = void;
  std::string email;
};
struct GreetingOf {
  using Answer = std::string;
  std::string email;
};

class AskingExample : public ::testing::Test {
 protected:
  void Greet(const std::string& name) { greeted = name; }

  testing::World world;
  Dispatcher& dispatcher = world.dispatcher();
  Users users;
  std::string greeted;
};

TEST_F(AskingExample, AQuestionIsAnswered) {
  // example: flow/answer.h
  belfry::Subscription finder = belfry::Answer(
      dispatcher,
      [&](const FindUser& query) -> absl::StatusOr<User> { return users.Find(query.email); },
      {.name = "users.find"});
  belfry::Subscription remover = belfry::Answer(  // a command: `using Answer = void`
      dispatcher, [&](const RemoveUser& command) { return users.Remove(command.email); });
  // end of example
  const auto Greet = [this](const std::string& name) { greeted = name; };
  // example: flow/ask.h
  belfry::Completion<belfry::Reply<User>> found =
      belfry::Ask(dispatcher, FindUser{"ada@example.org"}, {.within = std::chrono::seconds(2)});
  found.Then([&](const belfry::Reply<User>& user) {
    if (user.ok()) Greet(user->name);
  });
  // end of example
  world.Run();
  EXPECT_EQ(greeted, "Ada");
  const auto removed = Ask(dispatcher, RemoveUser{"ada@example.org"});
  world.Run();
  EXPECT_TRUE(removed.value().ok());
  EXPECT_TRUE(users.by_email.empty());
}

TEST_F(AskingExample, AnAnswerComesLater) {
  const Subscription finder =
      Answer(dispatcher, [&](const FindUser& query) { return users.Find(query.email); });
  // example: flow/answer.h
  belfry::Subscription greeter = belfry::Answer(dispatcher, [&](const GreetingOf& query) {
    const belfry::Completion<absl::StatusOr<std::string>> greeting;
    belfry::Ask(dispatcher, FindUser{query.email}).Then([greeting](const auto& user) {
      if (user.ok()) {
        greeting.Finish("Hello, " + user->name);
      } else {
        greeting.Finish(user.status());
      }
    });
    return greeting;
  });
  // end of example
  const auto greeting = Ask(dispatcher, GreetingOf{"ada@example.org"});
  world.Run();
  EXPECT_EQ(*greeting.value(), "Hello, Ada");
}

TEST_F(AskingExample, AReplyIsAnAnswerOrWhyThereIsNone) {
  const auto found = Ask(dispatcher, FindUser{"ada@example.org"});
  world.Run();
  const Reply<User>& user = found.value();
  std::string shown;
  const auto Show = [&](const std::string& text) { shown = text; };
  // example: flow/reply.h
  if (user.code() == belfry::ReplyCode::kNoListener) {
    Show("nobody knows any users");
  } else {
    Show(user.ok() ? user->name : user.status().ToString());
  }
  // end of example
  EXPECT_EQ(shown, "nobody knows any users");
}

// example: flow/gather.h
struct PriceOf {
  using Answer = int;
  std::string pizza;
};
// end of example

TEST_F(AskingExample, SeveralAnswer) {
  std::map<std::string, int> shown;
  const auto Show = [&](const std::string& name, int price) { shown[name] = price; };
  // example: flow/gather.h
  belfry::Subscription mario =
      belfry::AnswerAmongOthers(dispatcher, [](const PriceOf&) { return 9; }, {.name = "mario"});
  belfry::Subscription luigi =
      belfry::AnswerAmongOthers(dispatcher, [](const PriceOf&) { return 8; }, {.name = "luigi"});
  belfry::Gather(dispatcher, PriceOf{"margherita"}, {.within = std::chrono::seconds(1)})
      .Then([&](const belfry::Gathered<int>& prices) {
        for (const auto& price : prices.replies) {
          if (price.reply.ok()) Show(price.name, *price.reply);
        }
      });
  // end of example
  world.Run();
  EXPECT_EQ(shown, (std::map<std::string, int>{{"luigi", 8}, {"mario", 9}}));
}

TEST_F(AskingExample, APublishIsWaitedFor) {
  struct UserRenamed {
    int user = 0;
    std::string name{};
  };
  std::map<int, std::string> read_model;
  std::string shown;
  const auto ShowUser = [&](int user) { shown = read_model[user]; };
  const Subscription model = dispatcher.Subscribe(
      [&](const UserRenamed& renamed) { read_model[renamed.user] = renamed.name; },
      {.name = "read_model.users"});
  // example: flow/until.h
  belfry::PublishUntil(dispatcher, UserRenamed{7, "Ada"}, {"read_model.users"})
      .Then([&](const belfry::UntilOutcome& renamed) {
        if (renamed.ok()) ShowUser(7);  // by the read model, which knows of it now
      });
  // end of example
  world.Run();
  EXPECT_EQ(shown, "Ada");
}

struct OrderPlaced {};
BELFRY_EVENT_NAME(OrderPlaced, "OrderPlaced", 1);
struct PizzaBaked {};
BELFRY_EVENT_NAME(PizzaBaked, "PizzaBaked", 1);
struct BellRung {};
BELFRY_EVENT_NAME(BellRung, "BellRung", 1);

TEST(CausesExample, OfARunningProgram) {
  // example: flow/causes_ring.h
  belfry::CauseRing ring;
  belfry::Dispatcher dispatcher({.observer = &ring});
  // end of example
  const Subscription kitchen =
      dispatcher.Subscribe([](const OrderPlaced&) { return PizzaBaked{}; }, {.name = "kitchen"});
  const Subscription waiter =
      dispatcher.Subscribe([](const PizzaBaked&) { return BellRung{}; }, {.name = "waiter"});
  const EventId order = dispatcher.NewEventId();
  dispatcher.Publish(OrderPlaced{}, {.id = order});
  dispatcher.Drain();
  std::ostringstream printed;
  std::streambuf* const out = std::cout.rdbuf(printed.rdbuf());
  // example: flow/causes.h
  std::cout << belfry::DescribeCauses(ring.events(), order);
  // end of example
  std::cout.rdbuf(out);
  EXPECT_EQ(printed.str(),
            "OrderPlaced #1\n"
            "└─ PizzaBaked #2 by kitchen\n"
            "   └─ BellRung #3 by waiter\n");
}

TEST(CausesExample, OfATest) {
  testing::World world;
  const Subscription kitchen = world.dispatcher().Subscribe(
      [](const OrderPlaced&) { return PizzaBaked{}; }, {.name = "kitchen"});
  world.dispatcher().Publish(OrderPlaced{});
  world.Run();
  std::ostringstream printed;
  std::streambuf* const out = std::cout.rdbuf(printed.rdbuf());
  // example: testing/causes.h
  std::cout << belfry::testing::DescribeCauses(world.record(), world.record().events[0].id);
  // end of example
  std::cout.rdbuf(out);
  EXPECT_EQ(printed.str().substr(0, printed.str().find('{')), "OrderPlaced");
  EXPECT_NE(printed.str().find("└─ PizzaBaked"), std::string::npos);
}

}  // namespace asking_example
}  // namespace belfry
