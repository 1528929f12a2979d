#include "belfry/dispatcher.h"

int main() {
  belfry::Dispatcher dispatcher;
  belfry::Subscription subscription = dispatcher.Subscribe([](const int&) {});
  dispatcher.Publish(1);
}
