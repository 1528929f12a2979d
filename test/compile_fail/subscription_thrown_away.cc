// expect: ignoring (return|returned|temporary)
#include "belfry/dispatcher.h"

struct Rung {};

int main() {
  belfry::Dispatcher dispatcher;
  dispatcher.Subscribe([](const Rung&) {});
}
