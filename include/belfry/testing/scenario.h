// A test that reads like a specification.
//
//   Given(world, UserSignedUp{"ada"});
//   When(world, LogInFailed{"ada"});
//   Then(world, Published<AccountLocked>(), NotCalled("mail.sorry")).AndNothingElse();
//   After(world, 31s);
//   Then(world, Published<AccountUnlocked>()).AndNothingElse();
#pragma once

#include <cstddef>
#include <utility>

#include "belfry/clock.h"
#include "belfry/event_type.h"
#include "belfry/export.h"
#include "belfry/site.h"
#include "belfry/testing/expectation.h"
#include "belfry/testing/matchers.h"
#include "belfry/testing/show.h"
#include "belfry/testing/world.h"

namespace belfry::testing {

// Thread safety: the world's thread. Errors: as of World; Given fails the test on what the world
// does not tolerate.

// Publishes each of them and runs the world until nothing is ready; then forgets all that has
// happened. Without events it only forgets.
template <class... E>
void Given(World& world, E... events) {
  (Shows<E>(), ...);
  ((world.dispatcher().Publish(std::move(events)), world.Run()), ...);
  world.Forget();
}

// Counts an event of that type that was published behind the first `before` ones as expected.
BELFRY_EXPORT void ExpectPublished(World& world, EventType type, std::size_t before);

// Publishes them, in this order, then runs the world until nothing is ready. These events need not
// be named in what follows.
template <class... E>
void When(World& world, E... events) {
  const auto publish = [&world](auto event) {
    using Event = decltype(event);
    Shows<Event>();
    const std::size_t before = world.record().events.size();
    world.dispatcher().Publish(std::move(event));
    ExpectPublished(world, EventTypeOf<Event>(), before);
  };
  (publish(std::move(events)), ...);
  world.Run();
}

// Lets so much time go by; what becomes due runs.
inline void After(World& world, Nanoseconds duration) { world.RunFor(duration); }

// A world, and where in the test it is spoken of: an argument of Then.
struct WorldHere {
  WorldHere(World& at, Site where = Site::Here())  // NOLINT(google-explicit-constructor): see above
      : world(at), site(where) {}
  World& world;
  Site site;
};

class BELFRY_EXPORT ThenClause {
 public:
  explicit ThenClause(WorldHere here) : here_(here) {}
  // See NothingElse().
  void AndNothingElse() const { here_.world.Expect(NothingElse(), here_.site); }

 private:
  WorldHere here_;
};

// Each of them holds, for all that has happened since the last Given; the test fails where this
// stands on those that do not.
template <class... M>
ThenClause Then(WorldHere here, const M&... expectations) {
  (here.world.Expect(expectations, here.site), ...);
  return ThenClause(here);
}

}  // namespace belfry::testing
