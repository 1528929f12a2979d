// What is known when an expectation is judged.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/testing/recorder.h"
#include "testing/agenda.h"

namespace belfry::testing {

// A listener that a world's dispatcher has, or had.
struct KnownListener {
  ListenerId id = 0;
  std::string name{};
  EventType type;
};

struct Evidence {
  const Recorder& recorder;
  Record record{};
  // Of a recorder alone these are not known.
  Dispatcher* dispatcher = nullptr;
  const Agenda* agenda = nullptr;
  const std::vector<KnownListener>* listeners = nullptr;
  std::string replay{};   // of BELFRY_REPLAY, if the world runs under one
  bool explored = false;  // the explorer tells the story, and how to run it again
};

// A delivery, by its places in the record.
struct DeliveryPlace {
  std::size_t event = 0;
  std::size_t delivery = 0;
};

// The last one to that listener.
std::optional<DeliveryPlace> FindDelivery(const Record& record, EventId event, ListenerId listener);

// Whether it belongs to what the record is about.
inline bool WasPublished(const RecordedEvent& event) { return event.result.ok() && !event.earlier; }

// "#2 UserSignedUp{...}"; and who published it: ", published by signup.store".
std::string Numbered(const Record& record, std::size_t event);
std::string NumberedWithSource(const Record& record, std::size_t event);

// What became of a delivery and why, behind the listener's name: "failed: no ink (an injected
// fault)".
std::string Fate(const Record& record, DeliveryPlace place);
// The same of the last delivery of an event to listeners of that name. Where there is none, why.
std::string FateOf(const Evidence& evidence, std::size_t event, std::string_view listener);

// Whether there is, or was, a listener of that name.
bool HasName(const std::vector<KnownListener>& listeners, std::string_view name);
// What to say of a name that none of them has, behind it: "is no listener; there are: ...", those
// that are spelled most alike in front.
std::string WhoIsThere(const std::vector<KnownListener>& listeners, std::string_view name);

// The listeners of that type, but for `besides`, that have not handled that event, and why.
std::vector<std::string> NotHandledBy(const Evidence& evidence, std::size_t event,
                                      std::string_view besides);

// The listeners to which nothing came: "audit (UserSignedUp)".
std::vector<std::string> NothingCameTo(const Evidence& evidence);

// "signup.story on #1 SignUpWanted{7} for a sleep of 5 s (signup.cc:31)".
std::vector<std::string> WaitingDeliveriesOf(const Evidence& evidence);

// The first ones, and how many there are behind them.
std::string Enumerate(const std::vector<std::string>& all, std::string_view separator = ", ");

}  // namespace belfry::testing
