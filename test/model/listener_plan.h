// A listener of a random walk: what it is for, what it is, and how it wants to be called.
#pragma once

#include <cstddef>

#include "belfry/listener_options.h"

namespace belfry::model {

enum class Type { kToken, kBlock, kLetter, kParcel };
inline constexpr int kTypes = 4;

// What a listener's callable is, and may do at its end.
enum class Body {
  kTrivial,   // as bytes; may throw
  kCaptures,  // with something to destroy
  kContext,   // the same, and takes a Context
  kStatus,    // may return an error
  kOptional,  // may return a letter
  kVector,    // may return tokens
};
inline constexpr int kBodies = 6;

// Which events a listener is for.
enum class Choice { kOne, kTwo, kNamed, kAll };
inline constexpr int kChoices = 4;

struct ListenerPlan {
  Type type = Type::kToken;
  Choice choice = Choice::kOne;
  Type other = Type::kToken;  // of two
  Body body = Body::kTrivial;
  bool inlined = false;
  int executor = 0;
  std::size_t events_max = 1'000;
  std::size_t bytes_max = 1'000'000;
  Overflow::Policy overflow = Overflow::Policy::kBlock;
  bool keyed = false;
  bool key_throws = false;  // for events with EventPlan::no_key
  unsigned concurrency = 1;
  bool filtered = false;
  bool once = false;
  int owner = -1;
  unsigned attempts = 1;
  bool ordered = false;  // what waits for its retry holds its key
  bool letters = false;  // what has failed for good is kept
  unsigned quarantine = 0;
  int deadline = 0;  // units
  unsigned starvation_max = 0;
  bool sticky = false;
};

// Whether it is for such events.
bool IsFor(const ListenerPlan& plan, Type type);

}  // namespace belfry::model
