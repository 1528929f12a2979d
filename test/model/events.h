// The events of a walk: one of each kind that the library treats differently.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "belfry/any_event.h"
#include "belfry/event_type.h"
#include "model/plan.h"

namespace belfry::model {

// How many events with something to destroy exist. A walk has one thread.
inline int living_events = 0;

// Counted while it is somebody's, and not any more when it was moved from.
class Living {
 public:
  Living() { ++living_events; }
  Living(const Living& other) : here_(other.here_) { living_events += here_ ? 1 : 0; }
  Living(Living&& other) noexcept : here_(std::exchange(other.here_, false)) {}
  ~Living() { living_events -= here_ ? 1 : 0; }
  Living& operator=(const Living&) = delete;

 private:
  bool here_ = true;
};

struct Token {  // lies in the log
  int number = 0;
};
struct Block {  // bytes, but too many for that
  int number = 0;
  unsigned char bytes[200]{};
};
struct Letter {  // counts its bytes
  int number = 0;
  std::size_t bytes = 0;
  Living living{};
};
inline std::size_t BelfryEventBytes(const Letter& letter) { return letter.bytes; }
struct Parcel {
  int number = 0;
  std::string content = "something that is not as short as what lies in a string";
  Living living{};
};

BELFRY_EVENT_NAME(Token, "model.token", 1);
BELFRY_EVENT_NAME(Block, "model.block", 1);
BELFRY_EVENT_NAME(Letter, "model.letter", 1);

inline std::size_t BytesOf(const EventPlan& plan) {
  switch (plan.type) {
    case Type::kToken:
      return sizeof(Token);
    case Type::kBlock:
      return sizeof(Block);
    case Type::kLetter:
      return plan.bytes;
    case Type::kParcel:
      return sizeof(Parcel);
  }
  return 0;
}

template <class E>
E Make(const EventPlan& plan, int number) {
  E event{number};
  if constexpr (std::is_same_v<E, Letter>) event.bytes = plan.bytes;
  return event;
}

// Calls `use` with a null pointer to the event's type.
template <class Use>
auto WithType(Type type, Use use) {
  switch (type) {
    case Type::kBlock:
      return use(static_cast<Block*>(nullptr));
    case Type::kLetter:
      return use(static_cast<Letter*>(nullptr));
    case Type::kParcel:
      return use(static_cast<Parcel*>(nullptr));
    case Type::kToken:
      break;
  }
  return use(static_cast<Token*>(nullptr));
}

// The same with the type that the listener takes.
template <class Use>
auto WithListened(const ListenerPlan& plan, Use use) {
  return plan.choice == Choice::kOne ? WithType(plan.type, use)
                                     : use(static_cast<AnyEvent*>(nullptr));
}

template <class E>
int NumberOf(const E& event) {
  return event.number;
}
inline int NumberOf(const AnyEvent& event) {
  return *static_cast<const int*>(event.get());  // each begins with it
}

inline EventType EventTypeFor(Type type) {
  return WithType(
      type, [](auto* event) { return EventTypeOf<std::remove_pointer_t<decltype(event)>>(); });
}

}  // namespace belfry::model
