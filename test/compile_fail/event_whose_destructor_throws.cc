// expect: an event's destructor must not throw
#include "belfry/dispatcher.h"

struct Bomb {
  ~Bomb() noexcept(false) {}
};

int main() {
  belfry::Dispatcher dispatcher;
  dispatcher.Publish(Bomb{});
}
