// expect: a listener's destructor must not throw
#include "belfry/dispatcher.h"

struct Rung {};

struct Bomb {
  ~Bomb() noexcept(false) {}
  void operator()(const Rung&) const {}
};

int main() {
  belfry::Dispatcher dispatcher;
  const belfry::Subscription s = dispatcher.Subscribe(Bomb{});
}
