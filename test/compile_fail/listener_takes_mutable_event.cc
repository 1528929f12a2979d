// expect: no matching (member )?function for call to
#include "belfry/dispatcher.h"

struct Rung {};

int main() {
  belfry::Dispatcher dispatcher;
  const belfry::Subscription s = dispatcher.Subscribe([](Rung&) {});
}
