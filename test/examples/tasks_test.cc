// The examples of flow's headers about coroutines.
#include "belfry/flow/tasks.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/flow/all.h"
#include "belfry/flow/any.h"
#include "belfry/flow/event_stream.h"
#include "belfry/flow/expect.h"
#include "belfry/flow/for_each.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/stop.h"
#include "belfry/flow/task.h"
#include "belfry/flow/timeout.h"
#include "belfry/flow/undo.h"
#include "belfry/run_on.h"
#include "belfry/testing/fake_files.h"
#include "belfry/testing/world.h"
#include "belfry/thread_pool.h"

namespace belfry {
namespace {

using namespace std::chrono_literals;

struct User {
  std::string name;
};
struct Project {
  std::string title;
};
using Quote = int;

class TasksExample : public ::testing::Test {
 protected:
  // Runs `story`, through a day.
  template <class F>
  void Tell(F story) {
    Tasks tasks(dispatcher);
    const Completion<absl::Status> told = tasks.Start(story());
    world.RunFor(24h);
    ASSERT_TRUE(told.finished());
    EXPECT_EQ(told.value(), absl::OkStatus());
  }
  void Note(std::string text) { notes.push_back(std::move(text)); }

  static Task<User> FindUser(int id) {
    co_await Sleep(1ms);
    co_return User{"user " + std::to_string(id)};
  }
  static Task<Project> FindProject(int id) {
    co_await Sleep(2ms);
    co_return Project{"project " + std::to_string(id)};
  }
  static Task<Quote> Quoted(std::string where) {
    co_await Sleep(where == "south" ? 1s : 1h);
    co_return where == "south" ? 7 : 9;
  }

  testing::World world;
  Dispatcher& dispatcher = world.dispatcher();
  std::vector<std::string> notes;
};

struct UserStored {
  std::string email;
};
struct MailWanted {
  std::string email{};
  std::string text{};
};

TEST_F(TasksExample, AListenerIsACoroutine) {
  struct Library {
    Completion<std::string> Find(const std::string&) const { return found; }
    Completion<std::string> found;
  } library;
  // example: flow/task.h
  auto welcome =
      dispatcher.Subscribe([&](const UserStored& user, belfry::Context& context) -> belfry::Task<> {
        const std::string text = co_await library.Find("welcome");  // a Completion<std::string>
        co_await belfry::Sleep(std::chrono::seconds(1));
        context.dispatcher().Publish(MailWanted{user.email, text});
      });
  // end of example
  const Subscription mail =
      dispatcher.Subscribe([&](const MailWanted& wanted) { Note(wanted.email + wanted.text); });
  dispatcher.Publish(UserStored{"ada@example.org"});
  world.Run();
  library.found.Finish(", welcome");
  world.RunFor(1s);
  EXPECT_EQ(notes, std::vector<std::string>{"ada@example.org, welcome"});
}

TEST_F(TasksExample, AFileIsRead) {
  testing::FakeFiles files(world);
  files.Put("welcome.txt", "Welcome!");
  const auto Render = [&](const std::string& text) { Note(text); };
  Tell([&]() -> Task<> {
    // example: files.h
    const belfry::FileReadFinished read = co_await files.Read("welcome.txt");
    if (read.status.ok()) Render(read.content);
    // end of example
  });
  EXPECT_EQ(notes, std::vector<std::string>{"Welcome!"});
}

TEST_F(TasksExample, ACallElsewhere) {
  const auto Hash = [](const std::string& text) { return "hash of " + text; };
  const std::string password = "secret";
  ThreadPool pool({.threads = 1});
  Dispatcher own;
  Tasks tasks(own);
  const auto story = [&]() -> Task<std::string> {
    // example: run_on.h
    const auto work = [=] { return Hash(password); };
    const absl::StatusOr<std::string> hash = co_await belfry::RunOn(pool, work);
    // end of example
    co_return hash.value_or("none");
  };
  EXPECT_EQ(tasks.Start(story()).Wait().value_or("none"), "hash of secret");
}

TEST_F(TasksExample, AFileIsReadInTime) {
  testing::FakeFiles files(world);
  files.SetLatency(2s);
  Tell([&]() -> Task<> {
    // example: flow/timeout.h
    const std::optional<FileReadFinished> read =
        co_await belfry::Timeout(1s, files.Read("welcome.txt"));
    // end of example
    EXPECT_FALSE(read.has_value());
  });
}

TEST_F(TasksExample, SeveralAtOnce) {
  const int id = 7;
  Tell([&]() -> Task<> {
    // example: flow/all.h
    auto [user, project] = co_await belfry::All(FindUser(id), FindProject(id));
    // end of example
    EXPECT_EQ(user.name + ", " + project.title, "user 7, project 7");
  });
}

TEST_F(TasksExample, TheFirst) {
  Tell([&]() -> Task<> {
    // example: flow/any.h
    std::variant<Quote, Quote> first = co_await belfry::Any(Quoted("north"), Quoted("south"));
    // end of example
    EXPECT_EQ(first.index(), 1U);
    EXPECT_EQ(std::get<1>(first), 7);
  });
}

TEST_F(TasksExample, InTime) {
  Tell([&]() -> Task<> {
    // example: flow/timeout.h
    const std::optional<Quote> in_time = co_await belfry::Timeout(1s, Quoted("east"));
    // end of example
    EXPECT_EQ(in_time, std::nullopt);
  });
}

TEST_F(TasksExample, AFewAtATime) {
  using Address = std::string;
  const auto Deliver = [this](const Address& to) -> Task<> {
    co_await Sleep(1ms);
    Note(to);
  };
  const std::vector<Address> addresses{"a", "b", "c"};
  Tell([&]() -> Task<> {
    // example: flow/for_each.h
    co_await belfry::ForEach(addresses, 8, [&](const Address& to) { return Deliver(to); });
    // end of example
  });
  EXPECT_EQ(notes, addresses);
}

TEST_F(TasksExample, TimeAndTurns) {
  Tell([&]() -> Task<> {
    // example: flow/sleep.h
    co_await belfry::Sleep(std::chrono::seconds(1));
    co_await belfry::Yield();  // whatever else the executor has comes first
    // end of example
    EXPECT_EQ(world.now(), 1s);
  });
}

struct MailAccepted {
  std::string path;
};

TEST_F(TasksExample, AnEvent) {
  const Subscription accepts = dispatcher.Subscribe(
      [](const MailWanted& wanted) { return MailAccepted{"new/" + wanted.email}; });
  Tell([&]() -> Task<> {
    // example: flow/expect.h
    auto mail = belfry::Expect<MailAccepted>(dispatcher, {.within = std::chrono::seconds(5)});
    dispatcher.Publish(MailWanted{"ada@example.org"});
    if (const std::optional<MailAccepted> accepted = co_await mail.Get()) Note(accepted->path);
    // end of example
  });
  EXPECT_EQ(notes, std::vector<std::string>{"new/ada@example.org"});
}

struct Price {
  int cents = 0;
};

TEST_F(TasksExample, AStream) {
  const auto Show = [this](const Price& price) { Note(std::to_string(price.cents)); };
  const auto show_all = [&]() -> Task<> {  // named: the task uses what it has captured
    // example: flow/event_stream.h
    belfry::EventStream<Price> prices(dispatcher, {.events_max = 64});
    while (const std::optional<Price> price = co_await prices.Next()) Show(*price);
    // end of example
  };
  Tasks tasks(dispatcher);
  tasks.Start(show_all());
  world.Run();
  for (const int cents : {100, 101}) dispatcher.Publish(Price{cents});
  world.Run();
  EXPECT_EQ(notes, (std::vector<std::string>{"100", "101"}));
}

TEST_F(TasksExample, StopTokens) {
  struct Library {
    Completion<std::string> Download(const std::string&, std::stop_token token) const {
      const Completion<std::string> page;
      page.Finish(token.stop_possible() ? "a page" : "");
      return page;
    }
  } library;
  const std::string url = "http://example.org";
  std::stop_source source;
  const std::stop_token token = source.get_token();
  Tell([&]() -> Task<> {
    const int id = 7;
    // example: flow/stop.h
    const std::optional<User> user = co_await belfry::UnlessStopped(token, FindUser(id));
    // end of example
    EXPECT_TRUE(user.has_value());
    // example: flow/stop.h
    const belfry::StopAtEnd stop;
    const std::string page = co_await library.Download(url, stop.token());
    // end of example
    EXPECT_EQ(page, "a page");
  });
}

TEST_F(TasksExample, WithoutAnEvent) {
  using Report = std::string;
  const auto MakeReport = []() -> Task<Report> { co_return "all is well"; };
  // example: flow/tasks.h
  belfry::Tasks tasks(dispatcher);
  belfry::Completion<absl::StatusOr<Report>> report = tasks.Start(MakeReport());
  // end of example
  world.Run();
  EXPECT_EQ(*report.value(), "all is well");
}

TEST_F(TasksExample, WhatIsUndone) {
  using UserId = int;
  struct Store {
    Task<UserId> Insert(const User& user) {
      rows.push_back(user.name);
      co_return 1;
    }
    void Remove(UserId) { rows.pop_back(); }
    std::vector<std::string> rows;
  } store;
  struct Mail {
    Task<> Welcome(const User&) {
      co_await Yield();
      if (broken) throw std::runtime_error("no mail today");
    }
    bool broken = false;
  } mail;
  const User user{"Ada"};
  const auto story = [&]() -> Task<> {
    // example: flow/undo.h
    belfry::Undo undo;
    const UserId id = co_await store.Insert(user);
    undo.Add([&store, id] { store.Remove(id); });
    co_await mail.Welcome(user);
    undo.Release();  // from here on it stays
    // end of example
  };
  Tell(story);
  EXPECT_EQ(store.rows.size(), 1U);
  mail.broken = true;
  world.Tolerate({.failures = true});
  Tasks tasks(dispatcher);
  tasks.Start(story());
  world.Run();
  EXPECT_EQ(store.rows.size(), 1U);
}

}  // namespace
}  // namespace belfry
