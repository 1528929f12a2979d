#include "model/plan.h"

namespace belfry::model {
Reactions::Reactions() = default;
Reactions::Reactions(const Reactions&) = default;
Reactions::Reactions(Reactions&&) noexcept = default;
Reactions& Reactions::operator=(const Reactions&) = default;
Reactions& Reactions::operator=(Reactions&&) noexcept = default;
Reactions::~Reactions() = default;

namespace {

using Kind = Operation::Kind;

void Add(std::string& text, bool condition, const std::string& what) {
  if (condition) text += ", " + what;
}

std::string ToString(const ListenerPlan& plan) {
  const ListenerPlan usual;
  std::string text = plan.choice == Choice::kNamed ? "those with a name"
                     : plan.choice == Choice::kAll ? "all"
                                                   : Name(plan.type);
  if (plan.choice == Choice::kTwo) text += " and " + Name(plan.other);
  text += ", " + Name(plan.body);
  Add(text, plan.inlined, "inline");
  Add(text, plan.executor != 0, "executor " + std::to_string(plan.executor));
  Add(text, plan.events_max != usual.events_max, std::to_string(plan.events_max) + " events");
  Add(text, plan.bytes_max != usual.bytes_max, std::to_string(plan.bytes_max) + " bytes");
  Add(text, plan.overflow != usual.overflow, Name(plan.overflow));
  Add(text, plan.keyed, plan.key_throws ? "by key, which may throw" : "by key");
  Add(text, plan.concurrency != 1, std::to_string(plan.concurrency) + " at once");
  Add(text, plan.filtered, "filter");
  Add(text, plan.once, "once");
  Add(text, plan.owner >= 0, "owner " + std::to_string(plan.owner));
  Add(text, plan.attempts > 1, std::to_string(plan.attempts) + " attempts");
  Add(text, plan.ordered, "ordered");
  Add(text, plan.letters, "dead letters");
  Add(text, plan.quarantine > 0, "quarantine after " + std::to_string(plan.quarantine));
  Add(text, plan.starvation_max > 0, "lanes " + std::to_string(plan.starvation_max));
  Add(text, plan.sticky, "sticky");
  Add(text, plan.deadline > 0, "deadline " + std::to_string(plan.deadline));
  return text;
}

std::string WayName(Way way) {
  static constexpr const char* kNames[] = {"moved",    "copied",       "shared",
                                           "emplaced", "with options", "tracked"};
  return kNames[static_cast<int>(way)];
}

std::string ToString(const EventPlan& plan) {
  const EventPlan usual;
  std::string text = Name(plan.type) + ", " + WayName(plan.way);
  Add(text, plan.type == Type::kLetter, std::to_string(plan.bytes) + " bytes");
  Add(text, plan.lane != usual.lane, plan.lane == Lane::kUrgent ? "urgent" : "bulk");
  Add(text, plan.sticky, "sticky");
  Add(text, plan.key != usual.key, "key " + std::to_string(plan.key));
  Add(text, plan.same != usual.same, "same " + std::to_string(plan.same));
  Add(text, plan.unwanted, "unwanted");
  Add(text, plan.filter_throws, "filters throw");
  Add(text, plan.no_key, "keys throw");
  return text;
}

std::string Times(const Reaction& reaction) {
  return reaction.failures == 1 ? "" : " " + std::to_string(reaction.failures) + " times";
}

void Print(const Walk& walk, const std::string& indent, std::string& text);

void Print(const EventPlan& plan, const std::string& indent, std::string& text) {
  text += ToString(plan) + "\n";
  for (const Reaction& reaction : plan.reactions) {
    text += indent + SlotName(reaction.slot) + " then";
    text += reaction.end == Reaction::End::kThrows ? " throws" + Times(reaction) + ", after:\n"
            : reaction.end == Reaction::End::kError
                ? " returns an error" + Times(reaction) + ", after:\n"
                : ":\n";
    Print(reaction.inside, indent + "  ", text);
    for (const EventPlan& returned : reaction.returned) {
      text += indent + "  - return ";
      Print(returned, indent + "    ", text);
    }
  }
}

std::string Verb(Kind kind) {
  static constexpr const char* kVerbs[] = {"subscribe",
                                           "publish",
                                           "publish later, handle",
                                           "cancel handle",
                                           "batch",
                                           "reset",
                                           "detach",
                                           "replace",
                                           "mute",
                                           "unmute",
                                           "drop",
                                           "wait",
                                           "forget the dead letters",
                                           "forget the sticky",
                                           "run one of",
                                           "run all",
                                           "drain",
                                           "shut down"};
  return kVerbs[static_cast<int>(kind)];
}

void Print(const Operation& operation, const std::string& indent, std::string& text) {
  text += Verb(operation.kind);
  switch (operation.kind) {
    case Kind::kSubscribe:
      text += " " + SlotName(operation.slot) + ": " + ToString(operation.listener) + "\n";
      return;
    case Kind::kReplace:
      text += " " + SlotName(operation.slot) + ": " + Name(operation.listener.body) + "\n";
      return;
    case Kind::kPublish:
      text += " ";
      if (!operation.events.empty()) return Print(operation.events[0], indent, text);
      break;
    case Kind::kPublishLater:
      text += " " + std::to_string(operation.slot) + (operation.at ? ", at " : ", after ") +
              std::to_string(operation.time) + ": ";
      if (!operation.events.empty()) return Print(operation.events[0], indent, text);
      break;
    case Kind::kBatch:
      text += operation.commit ? ", committed:\n" : ", forgotten:\n";
      for (const EventPlan& event : operation.events) {
        text += indent + "- ";
        Print(event, indent + "  ", text);
      }
      return;
    case Kind::kReset:
    case Kind::kDetach:
    case Kind::kMute:
    case Kind::kUnmute:
      text += " " + SlotName(operation.slot);
      break;
    case Kind::kDropOwner:
      text += " owner " + std::to_string(operation.slot);
      break;
    case Kind::kRunOne:
    case Kind::kRunAll:
      text += " executor " + std::to_string(operation.slot);
      break;
    case Kind::kForgetSticky:
      text += " " + Name(static_cast<Type>(operation.slot));
      break;
    case Kind::kCancel:
      text += " " + std::to_string(operation.slot);
      break;
    case Kind::kWait:
      text += " " + std::to_string(operation.time);
      break;
    case Kind::kShutdown:
      text += operation.shutdown == ShutdownMode::kDrain ? ", draining" : ", discarding";
      break;
    case Kind::kForget:
    case Kind::kDrain:
      break;
  }
  text += "\n";
}

void Print(const Walk& walk, const std::string& indent, std::string& text) {
  for (const Operation& operation : walk) {
    text += indent + "- ";
    Print(operation, indent + "  ", text);
  }
}

}  // namespace

bool IsFor(const ListenerPlan& plan, Type type) {
  switch (plan.choice) {
    case Choice::kOne:
      return type == plan.type;
    case Choice::kTwo:
      return type == plan.type || type == plan.other;
    case Choice::kNamed:
      return type != Type::kParcel;
    case Choice::kAll:
      return true;
  }
  return false;
}

std::string Name(Type type) {
  static constexpr const char* kNames[] = {"Token", "Block", "Letter", "Parcel"};
  return kNames[static_cast<int>(type)];
}

std::string Name(Body body) {
  static constexpr const char* kNames[] = {"trivial", "captures", "context",
                                           "status",  "optional", "vector"};
  return kNames[static_cast<int>(body)];
}

std::string Name(Overflow::Policy policy) {
  static constexpr const char* kNames[] = {"block", "reject", "drop newest", "drop oldest",
                                           "coalesce"};
  return kNames[static_cast<int>(policy)];
}

std::string SlotName(int slot) { return std::string(1, static_cast<char>('a' + slot)); }

std::string ToString(const Walk& walk) {
  std::string text;
  Print(walk, "  ", text);
  return text;
}

}  // namespace belfry::model
