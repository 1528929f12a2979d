// The side of a program that is compiled without exceptions and without run-time type information.
#pragma once

#include <string>

#include "belfry/dispatcher.h"

namespace belfry {

struct Parcel {
  std::string address;
};

struct Letter {
  int weight;
};

namespace plain {

// What its listeners have got.
struct Got {
  std::string parcels{};
  int letters = 0;
};

Subscription ListenToParcels(Dispatcher& dispatcher, Got& got, Run run);
Subscription ListenToLetters(Dispatcher& dispatcher, Got& got, Run run);
// Returns an error for each letter.
Subscription RefuseLetters(Dispatcher& dispatcher, Run run);
PublishResult PublishParcel(Dispatcher& dispatcher, std::string address);
PublishResult PublishLetter(Dispatcher& dispatcher, int weight);
EventType TypeOfParcel();

}  // namespace plain
}  // namespace belfry
