// expect: a raw pointer does not say how long its object lives
#include "belfry/dispatcher.h"

struct Rung {};
struct Door {
  void OnRung(const Rung&) {}
};

int main() {
  belfry::Dispatcher dispatcher;
  Door door;
  const belfry::Subscription s = dispatcher.Subscribe(&door, &Door::OnRung);
}
