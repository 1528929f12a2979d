// A world for a test: one thread, time that stands still, and everything recorded.
//
//   belfry::testing::World world;
//   auto wiring = WireSignUp(world.dispatcher());  // as the program does
//   world.dispatcher().Publish(SignUpRequested{"ada@example.org"});
//   world.Run();
//   EXPECT_EQ(world.record().events.at(1).As<UserSignedUp>()->email, "ada@example.org");
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/clock.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/site.h"
#include "belfry/testing/faults.h"
#include "belfry/testing/recorder.h"
#include "belfry/timers.h"

namespace belfry::testing {

class Chooser;
class Expectation;
struct Evidence;

// What a test fails on at the end of its world, unless it says that it expects it.
struct Tolerated {
  bool failures = false;       // deliveries that have failed for good
  bool losses = false;         // events that were dropped, expired or refused
  bool dead_letters = false;   // that are left
  bool subscriptions = false;  // that are left
  bool names = false;          // given to Mute or faults(), that no listener has had
};

struct WorldOptions {
  // As in the program; but executor, timers, clock, observer, origin and whether it is synchronous
  // are the world's.
  DispatcherOptions dispatcher{};
  Tolerated tolerated{};
  // How late a delivery may be: a timer that is due by then may come before it. Zero: deliveries
  // take no time, so all that are ready come before a later timer.
  Nanoseconds late_by{};
};

// Names one operation of one world. A default OperationId names none.
struct OperationId {
  std::uint64_t number = 0;
  explicit operator bool() const { return number != 0; }
};

// What a world has done, and what is left.
struct RunReport {
  std::size_t steps = 0;
  // What is still to come: timers and operations that have more time, and deliveries that are held.
  std::vector<std::string> waiting{};
};

// The real dispatcher on an executor, a clock and timers that do nothing by themselves. Deliveries,
// timers and finished operations are steps; a step runs on the calling thread, one at a time.
// Without Explore (explore.h) they run in the order in which they became ready.
//
// Thread safety: one thread. Lifetime: subscriptions and publishers end before their world.
// Errors: at its end the test fails on what is not tolerated, see Tolerated, and when the counters
// of the dispatcher are out of balance.
class BELFRY_EXPORT World {
 public:
  explicit World(WorldOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- What the program's wiring is given ---
  Dispatcher& dispatcher();
  Executor& executor();
  Timers& timers();
  const Clock& clock() const;
  // A real one, made when it is first asked for: its timers are due in the world's time, and a turn
  // of it is a step, when something was posted or a timer is due. Nobody waits for descriptors that
  // it watches: a turn looks at them.
  EventLoop& loop();

  // --- Going on ---
  // Until nothing is ready. Time stands still.
  RunReport Run();
  // The same for so long: time goes on from timer to timer.
  RunReport RunFor(Nanoseconds duration);
  // Lets time pass without doing anything; what has become due meanwhile is late.
  void Advance(Nanoseconds duration);
  // One step; false when nothing is ready.
  bool Step();
  // The next delivery to that listener, before all others; false when it has none.
  bool DeliverNext(std::string_view listener);
  // What a RunReport would say.
  std::vector<std::string> waiting() const;
  Nanoseconds now() const;  // since its beginning

  // --- Changing what happens ---
  Faults& faults();
  // Listeners of that name are not called any more.
  void Mute(std::string_view listener);
  // Events of this type reach nobody any more; they are recorded.
  template <class E>
  void Fake() {
    Fake(EventTypeOf<E>());
  }
  void Fake(EventType type);
  void Tolerate(const Tolerated& tolerated);

  // --- For fakes of adapters ---
  // Calls `finished` as a step, with the cause that is current now, when so much time has passed;
  // without a latency at any time from now on. `what` is for people: "read of welcome.txt".
  OperationId FinishLater(std::string what, std::function<void()> finished);
  OperationId FinishLater(std::string what, Nanoseconds latency, std::function<void()> finished);
  // The same inside a turn of loop(), where one who watches a ready descriptor is called: after
  // what was put off since the last turn.
  OperationId FinishInTurn(std::string what, std::function<void()> finished);
  // Whether it was still to come, which it is not any more.
  bool Cancel(OperationId operation);
  // Whether something that may go wrong does: with Explore both are tried, without it never.
  bool ChooseFault();

  // --- What has happened ---
  Recorder& recorder();
  Record record() const;
  // Fails the test at the caller's line when it is not so; see matchers.h.
  void Expect(const Expectation& expectation, Site site = Site::Here()) const;
  // Clears the record. What has ended is checked as it would be at the end of the world.
  void Forget();

 private:
  friend class Exploration;
  friend class Expectation;
  struct Impl;
  World(WorldOptions options, Chooser& chooser);
  Evidence evidence() const;
  const std::unique_ptr<Impl> impl_;
};

// For EXPECT_THAT: one line.
BELFRY_EXPORT void PrintTo(const World& world, std::ostream* out);

}  // namespace belfry::testing
