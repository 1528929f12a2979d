// expect: a listener returns void, absl::Status, or events
#include "belfry/dispatcher.h"

struct Rung {};

int main() {
  belfry::Dispatcher dispatcher;
  const belfry::Subscription s = dispatcher.Subscribe([](const Rung&) { return 1; });
}
