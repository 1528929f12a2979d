// The examples in the headers of belfry::testing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "belfry/testing/explore.h"
#include "belfry/testing/fake_connections.h"
#include "belfry/testing/fake_connector.h"
#include "belfry/testing/fake_descriptor_events.h"
#include "belfry/testing/fake_files.h"
#include "belfry/testing/fake_peer.h"
#include "belfry/testing/fake_server.h"
#include "belfry/testing/fake_signals.h"
#include "belfry/testing/faults.h"
#include "belfry/testing/matchers.h"
#include "belfry/testing/recorder.h"
#include "belfry/testing/scenario.h"
#include "belfry/testing/world.h"

namespace belfry {
namespace {

struct SignUpRequested {
  std::string email;
};
struct UserSignedUp {
  std::string email;
};
struct OrderPlaced {
  int number;
};

Subscription WireSignUp(Dispatcher& dispatcher) {
  return dispatcher.Subscribe(
      [](const SignUpRequested& request) { return UserSignedUp{request.email}; },
      {.name = "signup.store"});
}

TEST(WorldExample, AFlowRunsOnOneThread) {
  // example: testing/world.h
  belfry::testing::World world;
  auto wiring = WireSignUp(world.dispatcher());  // as the program does
  world.dispatcher().Publish(SignUpRequested{"ada@example.org"});
  world.Run();
  EXPECT_EQ(world.record().events.at(1).As<UserSignedUp>()->email, "ada@example.org");
  // end of example
}

TEST(RecorderExample, ItAwaitsDeliveriesAndNotTime) {
  const auto SendWelcome = [](const UserSignedUp&) {};
  // example: testing/recorder.h
  belfry::testing::Recorder recorder;
  belfry::Dispatcher dispatcher({.observer = &recorder});
  auto welcome = dispatcher.Subscribe(SendWelcome, {.name = "mail.welcome"});
  dispatcher.Publish(UserSignedUp{"ada@example.org"});
  EXPECT_TRUE(recorder.AwaitEnded("mail.welcome", 1));  // however many threads there are
  // end of example
}

TEST(FaultsExample, TheSecondCallFailsAndTheMailIsLate) {
  belfry::testing::World world({.tolerated = {.failures = true}});
  const Subscription wiring = WireSignUp(world.dispatcher());
  const Subscription welcome =
      world.dispatcher().Subscribe([](const UserSignedUp&) {}, {.name = "mail.welcome"});
  // example: testing/faults.h
  world.faults().Fail("signup.store", 2, absl::UnavailableError("the store is locked"));
  world.faults().Delay("mail.welcome", 1, std::chrono::seconds(40));
  // end of example
  world.dispatcher().Publish(SignUpRequested{"ada@example.org"});
  world.dispatcher().Publish(SignUpRequested{"bob@example.org"});
  world.Run();
  EXPECT_EQ(world.record().events.size(), 3U) << "one of two has signed up";
}

struct SignUpFailed {
  std::string email;
};

TEST(MatchersExample, WhatHasHappenedIsAskedFor) {
  using namespace belfry::testing;
  using ::testing::Field;
  World world;
  const Subscription wiring = WireSignUp(world.dispatcher());
  const Subscription audit =
      world.dispatcher().Subscribe([](const UserSignedUp&) {}, {.name = "audit"});
  const Subscription welcome =
      world.dispatcher().Subscribe([](const UserSignedUp&) {}, {.name = "mail.welcome"});
  const Subscription sorry =
      world.dispatcher().Subscribe([](const SignUpFailed&) {}, {.name = "mail.sorry"});
  world.dispatcher().Publish(SignUpRequested{"ada"});
  world.Run();
  // example: testing/matchers.h
  EXPECT_THAT(world, Published<UserSignedUp>(Field("email", &UserSignedUp::email, "ada")));
  EXPECT_THAT(world, Published([](const UserSignedUp& user) { return user.email == "ada"; }));
  EXPECT_THAT(world, Handled<UserSignedUp>().By("mail.welcome").After("audit"));
  EXPECT_THAT(world, NotCalled("mail.sorry"));
  world.Expect(NotPublished<SignUpFailed>());  // the same, with a shorter text when it fails
  // end of example
  // example: testing/matchers.h
  EXPECT_THAT(world, PublishedInOrder(Published<SignUpRequested>(), Published<UserSignedUp>()));
  // end of example
}

struct LogInFailed {
  std::string user;
};
struct AccountLocked {
  std::string user;
};
struct AccountUnlocked {
  std::string user;
};

TEST(ScenarioExample, ItReadsLikeASpecification) {
  using namespace belfry::testing;
  using namespace std::chrono_literals;
  World world;
  const Subscription lock = world.dispatcher().Subscribe(
      [&](const LogInFailed& failed) {
        world.dispatcher().PublishAfter(30s, AccountUnlocked{failed.user});
        return AccountLocked{failed.user};
      },
      {.name = "account.lock"});
  const Subscription sorry =
      world.dispatcher().Subscribe([](const SignUpFailed&) {}, {.name = "mail.sorry"});
  // example: testing/scenario.h
  Given(world, UserSignedUp{"ada"});
  When(world, LogInFailed{"ada"});
  Then(world, Published<AccountLocked>(), NotCalled("mail.sorry")).AndNothingElse();
  After(world, 31s);
  Then(world, Published<AccountUnlocked>()).AndNothingElse();
  // end of example
}

struct Shop {
  int shipped = 0;
  std::vector<Subscription> listeners{};
};
std::unique_ptr<Shop> WireShop(Dispatcher& dispatcher) {
  auto shop = std::make_unique<Shop>();
  shop->listeners.push_back(
      dispatcher.Subscribe([shop = shop.get()](const OrderPlaced&) { ++shop->shipped; }));
  return shop;
}

TEST(ExploreExample, EveryOrderIsRun) {
  // example: testing/explore.h
  belfry::testing::ExpectInEveryOrder([](belfry::testing::World& world) {
    auto wiring = WireShop(world.dispatcher());
    world.dispatcher().Publish(OrderPlaced{1});
    world.Run();
    EXPECT_EQ(wiring->shipped, 1);
  });
  // end of example
}

Subscription WireWelcome(Dispatcher& dispatcher, Files& files) {
  return dispatcher.Subscribe([&](const UserSignedUp&) { files.Read("welcome.txt"); });
}

TEST(FakeFilesExample, TheSecondReadFails) {
  // example: testing/fake_files.h
  belfry::testing::World world;
  belfry::testing::FakeFiles files(world);
  files.Put("welcome.txt", "Hello {{name}}");
  files.FailNth(2, absl::ResourceExhaustedError("disk full"));
  auto wiring = WireWelcome(world.dispatcher(), files);  // as the program does
  // end of example
  world.dispatcher().Publish(UserSignedUp{"ada@example.org"});
  world.dispatcher().Publish(UserSignedUp{"bob@example.org"});
  world.Run();
  const testing::Record record = world.record();
  EXPECT_EQ(record.events.at(2).As<FileReadFinished>()->content, "Hello {{name}}");
  EXPECT_EQ(record.events.at(3).As<FileReadFinished>()->status.message(), "disk full");
}

Subscription WireEcho(Dispatcher& dispatcher, Connections& connections) {
  // example: connections.h
  auto echo = dispatcher.Subscribe(
      [&connections](const belfry::DataReceived& e) { connections.Write(e.connection, e.data); });
  // end of example
  return echo;
}

TEST(FakeConnectionsExample, TheTestIsThePeer) {
  // example: testing/fake_connections.h
  belfry::testing::World world;
  belfry::testing::FakeConnections connections(world);
  auto echo = WireEcho(world.dispatcher(), connections);  // as the program does
  const belfry::ConnectionId peer = connections.Open();
  connections.Receive(peer, "hello");
  world.Run();
  EXPECT_EQ(connections.Written(peer), "hello");
  // end of example
}

class Echo final : public ConnectionListener {
  void OnData(Connection& connection, std::string_view data) override { connection.Write(data); }
};

TEST(FakeServerExample, TheTestIsTheClients) {
  // example: testing/fake_server.h
  belfry::testing::World world;
  Echo echo;                                        // as the program has it
  belfry::testing::FakeServer server(world, echo);  // instead of Server::Listen
  belfry::testing::FakePeer peer = server.Open("10.0.0.7:1234");
  peer.Send("hello");
  world.Run();
  EXPECT_EQ(peer.received(), "hello");
  // end of example
}

struct Greeter final : ConnectionListener {
  void OnOpened(Connection& connection) override { connection.Write("Good day"); }
  void OnData(Connection& connection, std::string_view /*data*/) override { connection.Close(); }
};
Greeter greeter;

void Greet(Connector& connector, const char* endpoint) {
  EXPECT_TRUE(connector.Connect(*Endpoint::Parse(endpoint), greeter).ok());
}

TEST(FakeConnectorExample, TheTestIsWhomTheProgramConnectsTo) {
  // example: testing/fake_connector.h
  belfry::testing::World world;
  belfry::testing::FakeConnector connector(world);
  connector.Answer("10.0.0.9:7000");
  Greet(connector, "10.0.0.9:7000");  // as the program does
  world.Run();
  EXPECT_EQ(connector.Peers("10.0.0.9:7000").at(0).received(), "Good day");
  // end of example
}

TEST(FakePeerExample, APeerThatDoesNotRead) {
  testing::World world;
  Echo echo;
  testing::FakeServer server(world, echo);
  testing::FakePeer peer = server.Open();
  peer.Send("Hello, ");
  world.Run();
  // example: testing/fake_peer.h
  peer.StopReading();
  peer.Send("more");
  world.Run();
  EXPECT_EQ(peer.received(), "Hello, ");
  EXPECT_EQ(peer.unsent(), "more");
  // end of example
}

Subscription WireBell(Dispatcher& dispatcher, DescriptorEvents& descriptors, int& rang) {
  descriptors.Watch(7, Interest::kReadable);
  return dispatcher.Subscribe([&rang](const FdReady&) { ++rang; });
}

TEST(FakeDescriptorEventsExample, TheTestSaysWhatIsReady) {
  int rang = 0;
  // example: testing/fake_descriptor_events.h
  belfry::testing::World world;
  belfry::testing::FakeDescriptorEvents descriptors(world);
  auto wiring = WireBell(world.dispatcher(), descriptors, rang);  // as the program does
  descriptors.SetReady(7, {.readable = true});
  world.Run();
  EXPECT_EQ(rang, 1);
  // end of example
}

TEST(FakeSignalsExample, ASignalIsRaised) {
  belfry::testing::World world;
  int signal = 0;
  const Subscription stop =
      world.dispatcher().Subscribe([&](const SignalReceived& e) { signal = e.signal; });
  // example: testing/fake_signals.h
  belfry::testing::Raise(world, SIGTERM);
  // end of example
  world.Run();
  EXPECT_EQ(signal, SIGTERM);
}

}  // namespace
}  // namespace belfry
