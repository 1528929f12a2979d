// Files in a world: when they end, and what goes wrong. That they do what BlockingFiles does is in
// files_contract_test.cc.

#include "belfry/testing/fake_files.h"

#include <gmock/gmock.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "belfry/flow/tasks.h"
#include "belfry/testing/explore.h"
#include "belfry/testing/world.h"

namespace belfry::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

template <class E>
std::vector<E> AllOf(const World& world) {
  std::vector<E> all;
  for (const RecordedEvent& event : world.record().events) {
    const E* const e = event.result.ok() ? event.As<E>() : nullptr;
    if (e != nullptr) all.push_back(*e);
  }
  return all;
}

class FakeFilesTest : public ::testing::Test {
 protected:
  FakeFilesTest() { files.Put("f", "text"); }

  std::vector<absl::Status> Reads() const {
    std::vector<absl::Status> all;
    for (const auto& read : AllOf<FileReadFinished>(world)) all.push_back(read.status);
    return all;
  }
  std::vector<absl::Status> Writes() const {
    std::vector<absl::Status> all;
    for (const auto& write : AllOf<FileWriteFinished>(world)) all.push_back(write.status);
    return all;
  }

  World world;
  FakeFiles files{world};
  const absl::Status full = absl::ResourceExhaustedError("disk full");
};

TEST_F(FakeFilesTest, AnOperationEndsAsAStep) {
  EXPECT_EQ(files.Read("f").operation(), 1U);
  EXPECT_THAT(Reads(), IsEmpty());
  EXPECT_THAT(world.waiting(), ElementsAre("the read of f"));
  world.Run();
  EXPECT_THAT(Reads(), ElementsAre(absl::OkStatus()));
}

TEST_F(FakeFilesTest, ALatencyIsOfAllOrOfOnePath) {
  files.SetLatency(seconds(2));
  files.SetLatency("slow", seconds(31));
  files.Write("slow", "x");
  files.Read("f");
  EXPECT_THAT(world.Run().waiting,
              ElementsAre("the write of slow, due in 31s", "the read of f, due in 2s"));
  world.RunFor(seconds(2));
  EXPECT_THAT(Reads(), ElementsAre(absl::OkStatus()));
  EXPECT_FALSE(files.content().contains("slow")) << "it takes effect when it ends";
  world.RunFor(seconds(29));
  EXPECT_THAT(Writes(), ElementsAre(absl::OkStatus()));
}

TEST_F(FakeFilesTest, TheNthOperationFails) {
  files.FailNth(2, full);
  for (int i = 0; i < 3; ++i) files.Read("f");
  world.Run();
  EXPECT_THAT(Reads(), ElementsAre(absl::OkStatus(), full, absl::OkStatus()));
}

TEST_F(FakeFilesTest, AllOperationsOfAPathFailUntilItIsWellAgain) {
  files.Fail("f", full);
  files.Read("f");
  files.Write("g", "x", {.temporary = "f"});
  world.Run();
  files.Fail("f", absl::OkStatus());
  files.Write("f", "x");
  world.Run();
  EXPECT_THAT(Reads(), ElementsAre(full));
  EXPECT_THAT(Writes(), ElementsAre(full, absl::OkStatus()));
}

TEST_F(FakeFilesTest, AWriteThatFailsLeavesHalfUnlessItHasATemporary) {
  files.FailNth(1, full);
  files.FailNth(2, full);
  files.Put("g", "as it was");
  files.Write("f", "1234");
  files.Write("g", "5678", {.temporary = "g.tmp"});
  world.Run();
  EXPECT_THAT(files.content(), ElementsAre(Pair("f", "12"), Pair("g", "as it was")));
}

TEST_F(FakeFilesTest, WhatIsWrittenIsNotedWithHow) {
  files.Write("g", "x", {.temporary = "g.tmp", .durable = true, .mode = 0600});
  ASSERT_EQ(files.writes().size(), 1U);
  EXPECT_EQ(files.writes()[0].path, "g");
  EXPECT_EQ(files.writes()[0].content, "x");
  EXPECT_EQ(files.writes()[0].options.temporary, "g.tmp");
  EXPECT_TRUE(files.writes()[0].options.durable);
  EXPECT_EQ(files.writes()[0].options.mode, 0600U);
}

TEST_F(FakeFilesTest, TheyMayRefuse) {
  files.Refuse();
  EXPECT_EQ(files.Read("f").Wait().status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(files.Write("f", "x"));
  files.Refuse(false);
  EXPECT_EQ(files.Read("f").operation(), 1U);
  EXPECT_THAT(files.writes(), IsEmpty());
}

TEST_F(FakeFilesTest, AnEventThatAFullQueueRefusesIsPublishedAgain) {
  world.Tolerate({.losses = true});
  std::vector<FileOperation> seen;
  const Subscription slow = world.dispatcher().Subscribe(
      [&](const FileReadFinished& read) { seen.push_back(read.operation); },
      {.name = "slow", .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  world.faults().Delay("slow", Faults::kEvery, seconds(1));
  for (int i = 0; i < 3; ++i) files.Read("f");
  world.RunFor(seconds(9));
  EXPECT_EQ(std::set(seen.begin(), seen.end()).size(), 3U);
  EXPECT_EQ(seen.size(), 3U);
}

TEST_F(FakeFilesTest, WhatEndsAfterTheShutdownOfTheDispatcherHasNoEvent) {
  files.Write("f", "new");
  world.dispatcher().Shutdown(ShutdownMode::kDrain, seconds(0));
  world.Run();
  EXPECT_EQ(files.content().at("f"), "new");
  EXPECT_THAT(world.record().events, IsEmpty());
}

TEST_F(FakeFilesTest, TheyMayGoInsideTheirOwnEvent) {
  World other;
  auto own = std::make_unique<FakeFiles>(other);
  const Subscription end = other.dispatcher().Subscribe(
      [&](const FileReadFinished&) { own.reset(); }, {.run = Run::kInline});
  own->Read("f");
  own->Write("g", "x");
  other.Run();
  EXPECT_EQ(AllOf<FileReadFinished>(other).size(), 1U);
  EXPECT_EQ(AllOf<FileWriteFinished>(other).size(), 1U);
}

TEST_F(FakeFilesTest, WhatTheyHaveFinishedAtTheirEndIsNotStillToCome) {
  World other;
  auto own = std::make_unique<FakeFiles>(other);
  own->Read("f");
  own.reset();
  EXPECT_EQ(AllOf<FileReadFinished>(other).size(), 1U);
  EXPECT_THAT(other.waiting(), IsEmpty());
}

TEST(FakeFilesExploreTest, TheyEndInEveryOrder) {
  std::set<std::string> orders;
  const ExploreReport report = Explore({}, [&](World& world) {
    FakeFiles files(world);
    for (const char* const path : {"a", "b", "c"}) files.Read(path);
    world.Run();
    std::string order;
    for (const auto& read : AllOf<FileReadFinished>(world)) order += read.path;
    orders.insert(order);
  });
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete) << report.Describe();
  EXPECT_THAT(orders, ElementsAre("abc", "acb", "bac", "bca", "cab", "cba"));
}

TEST(FakeFilesExploreTest, WhatIsAwaitedEndsInEveryOrderToo) {
  std::set<std::string> orders;
  const ExploreReport report = Explore({}, [&](World& world) {
    FakeFiles files(world);
    std::string order;
    const auto read = [&](std::string path) -> Task<> {
      order += (co_await files.Read(path)).path;
    };
    Tasks tasks(world.dispatcher());
    for (const char* const path : {"a", "b"}) tasks.Start(read(path));
    world.Run();
    orders.insert(order);
  });
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete) << report.Describe();
  EXPECT_THAT(orders, ElementsAre("ab", "ba"));
}

TEST(FakeFilesExploreTest, WhatMayFailDoesAndDoesNot) {
  std::set<bool> seen;
  const ExploreReport report = Explore({}, [&](World& world) {
    FakeFiles files(world);
    files.Put("f", "x");
    files.MayFailNth(1, absl::UnavailableError("busy"));
    files.Read("f");
    world.Run();
    seen.insert(AllOf<FileReadFinished>(world).at(0).status.ok());
  });
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete) << report.Describe();
  EXPECT_THAT(seen, ElementsAre(false, true));
}

}  // namespace
}  // namespace belfry::testing
