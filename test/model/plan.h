// What a random walk is made of: plain data, so that it can be printed, cut short and repeated.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "belfry/clock.h"
#include "belfry/lane.h"
#include "belfry/shutdown.h"
#include "model/listener_plan.h"

namespace belfry::model {

// Listeners are named by the slot that holds their subscription. An operation on an empty slot, or
// a subscription in one that is taken, does nothing: so any part of a walk is a walk.
inline constexpr int kSlots = 6;
inline constexpr int kOwners = 2;
inline constexpr int kExecutors = 3;  // the first is the dispatcher's own
inline constexpr int kHandles = 3;    // of events that are to be published later

// What the times of a plan are counted in. Longer than what had no room waits before it is tried
// again.
inline constexpr Nanoseconds kUnit = std::chrono::milliseconds(100);
// Before each retry: so short that there is nothing left to chance.
inline constexpr Nanoseconds kRetryDelay = Nanoseconds(1);

// What listeners do; in it there may be events to which others react, so it is not known yet.
struct Reaction;
struct Reactions : std::vector<Reaction> {
  Reactions();
  Reactions(const Reactions&);
  Reactions(Reactions&&) noexcept;
  Reactions& operator=(const Reactions&);
  Reactions& operator=(Reactions&&) noexcept;
  ~Reactions();
};

enum class Way { kMoved, kCopied, kShared, kEmplaced, kWithOptions, kTracked };
inline constexpr int kWays = 6;

struct EventPlan {
  Type type = Type::kToken;
  Way way = Way::kMoved;
  std::size_t bytes = 40;  // of a letter
  // Where they can be said.
  Lane lane = Lane::kNormal;
  bool sticky = false;
  int key = 0;
  int same = 0;  // what it is coalesced by
  bool unwanted = false;
  bool filter_throws = false;
  bool no_key = false;
  Reactions reactions{};
};

struct Operation {
  enum class Kind {
    kSubscribe,
    kPublish,
    kPublishLater,
    kCancel,  // what is to be published later
    kBatch,
    kReset,
    kDetach,
    kReplace,
    kMute,
    kUnmute,
    kDropOwner,
    kWait,    // so many units
    kForget,  // the dead letters
    kForgetSticky,
    kRunOne,
    kRunAll,
    kDrain,
    kShutdown,
  };
  Kind kind = Kind::kDrain;
  int slot = 0;                     // or the owner, the executor, the handle, or the type
  int time = 1;                     // units, of a wait and until a publish
  bool at = false;                  // that time is named
  ListenerPlan listener{};          // of a subscription; of a replacement its body
  std::vector<EventPlan> events{};  // of a publish one, of a batch several
  bool commit = true;               // of a batch
  ShutdownMode shutdown = ShutdownMode::kDrain;
};

// What the listener in a slot does when it gets the event, and how it ends.
struct Reaction {
  enum class End { kUsual, kThrows, kError };
  int slot = 0;
  std::vector<Operation> inside{};
  End end = End::kUsual;
  int failures = 1;                   // from then on it ends as usual
  std::vector<EventPlan> returned{};  // where its body returns such
};

using Walk = std::vector<Operation>;

std::string Name(Type type);
std::string Name(Body body);
std::string Name(Overflow::Policy policy);
std::string SlotName(int slot);

// One operation a line, what happens inside of it further in.
std::string ToString(const Walk& walk);

}  // namespace belfry::model
