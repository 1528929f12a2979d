// expect: a listener is a callable for \(const E&\) or \(const E&, Context&\)
#include "belfry/dispatcher.h"

struct Rung {};
struct Other {};

int main() {
  belfry::Dispatcher dispatcher;
  const belfry::Subscription s = dispatcher.Subscribe<Rung>([](const Other&) {});
}
