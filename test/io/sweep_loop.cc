// What a program does with loops.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "belfry/descriptor_events.h"
#include "belfry/loop_group.h"
#include "belfry/manual_executor.h"
#include "io/sweep.h"
#include "waiting.h"

namespace belfry {
namespace {

using std::chrono::milliseconds;

std::string MakeALoop(Stage& /*stage*/) {
  bool ran = false;
  EventLoop loop({.on_slow = [](const SlowTurn&) {}});
  loop.Post([&] { ran = true; });
  loop.RunOnce();
  return ran ? "" : "posted work did not run";
}

std::string Watch(Stage& stage) {
  PeerPair pair;
  int readable = 0;
  const WatchId watch = stage.loop.Watch(pair.ours.fd(), Interest::kNone, [&](Readiness ready) {
    if (ready.readable) ++readable;
  });
  pair.other.Write("x");
  stage.loop.SetInterest(watch, Interest::kBoth);
  const bool told = stage.Until([&] { return readable == 1; });
  stage.loop.SetInterest(watch, Interest::kReadable);
  const bool told_again = stage.Until([&] { return readable > 1; });
  stage.loop.Unwatch(watch);
  return told && told_again ? "" : "readiness was not told";
}

// A wake-up that is lost hangs here.
std::string PostFromAnotherThread(Stage& stage) {
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < 3; ++i) stage.loop.Post([&] { ++ran; });
    stage.loop.Post([&] { stage.loop.Stop(); });
  });
  stage.loop.Run();
  other.join();
  return ran == 3 ? "" : "posted work did not run";
}

std::string ArmTimers(Stage& stage) {
  int once = 0;
  int repeated = 0;
  stage.loop.RunAfter(milliseconds(15), [&] { ++once; });
  stage.loop.RunEvery(
      milliseconds(5), [&] { ++repeated; }, 3);
  stage.loop.Cancel(stage.loop.RunAfter(milliseconds(1), [&] { once = 100; }));
  stage.Until([&] { return once == 1 && repeated == 3; });
  return once == 1 ? "" : "a timer ran that was cancelled";
}

std::string RunAGroup(Stage& /*stage*/) {
  std::atomic<int> ran{0};
  LoopGroup loops({.loops = 2});
  loops.PostToEach([&] { ++ran; });
  return Eventually([&] { return ran == 2; }) ? "" : "posted work did not run";
}

std::string PublishReadiness(Stage& stage) {
  PeerPair pair;
  ManualExecutor executor;
  Dispatcher dispatcher({.executor = &executor});
  DescriptorEvents descriptors(stage.loop, dispatcher);
  int told = 0;
  const Subscription reader = dispatcher.Subscribe([&](const FdReady& ready) {
    EXPECT_EQ(ready.fd, pair.ours.fd());
    ++told;
    pair.ours.Read();
  });
  descriptors.Watch(pair.ours.fd(), Interest::kReadable);
  for (int i = 1; i <= 2; ++i) {
    pair.other.Write("x");
    stage.Until([&] {
      executor.RunUntilIdle();
      return told == i;
    });
  }
  descriptors.Unwatch(pair.ours.fd());
  return told == 2 ? "" : "readiness was not told";
}

}  // namespace

const std::vector<Operation>& LoopOperations() {
  static const std::vector<Operation> operations = {
      {"MakeALoop", MakeALoop},
      {"Watch", Watch},
      {"PostFromAnotherThread", PostFromAnotherThread},
      {"ArmTimers", ArmTimers},
      {"RunAGroup", RunAGroup},
      {"PublishReadiness", PublishReadiness},
  };
  return operations;
}

}  // namespace belfry
