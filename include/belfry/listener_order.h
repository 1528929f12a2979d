// When a listener has its turn among those of one event.
//
//   auto pack = dispatcher.Subscribe(Pack, {.name = "pack", .run = Run::kInline});
//   auto bill = dispatcher.Subscribe(Bill, {.run = Run::kInline, .order = {.before = {"pack"}}});
//   auto check =
//       dispatcher.Subscribe(Check, {.run = Run::kInline, .order = {.phase = Phase::kEarly}});
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace belfry {

enum class Phase { kEarly, kNormal, kLate };

constexpr std::string_view ToString(Phase phase) {
  switch (phase) {
    case Phase::kEarly:
      return "early";
    case Phase::kNormal:
      return "normal";
    case Phase::kLate:
      return "late";
  }
  return "unknown";
}

// Among the inline listeners of one event type, and on a synchronous dispatcher among all of them:
// first by phase; within a phase by priority, the higher one first; within a priority by `before`
// and `after`; and where these leave a choice, the one that subscribed first.
//
// `before` and `after` give names of listeners of the same event type, as ListenerNames() tells
// them, and mean all listeners with that name, whether they are there or will come. The log is told
// of a name that nobody has by now. They may say again what phase and priority say already. A
// Subscribe by which they would contradict phase or priority, or make a cycle, is refused: its
// status() is INVALID_ARGUMENT and names the listeners.
//
// A listener keeps its place when its callable is replaced, and when another one ends; the next
// Subscribe may move it if `before` or `after` bound it to one that is gone. An event on its way
// while somebody subscribes goes on by the order before that, or by the one after it.
//
// Queued listeners on a dispatcher that is not synchronous have none: each runs when its executor
// has a thread for it. An order for one of them is refused, and one for a listener to several types
// (event_selection.h): where somebody asks for an order, these come behind all others.
//
// Cost: where no inline listener of an event type asks for an order, nothing; there they are called
// in an order that is not specified. Where one does, a publish costs some nanoseconds more for each
// of them, and a Subscribe takes time for all that are subscribed.
struct ListenerOrder {
  Phase phase = Phase::kNormal;
  int priority = 0;
  std::vector<std::string> before{};
  std::vector<std::string> after{};

  // Whether it differs from that of a listener that asks for none.
  bool asked() const {
    return phase != Phase::kNormal || priority != 0 || !before.empty() || !after.empty();
  }
};

}  // namespace belfry
