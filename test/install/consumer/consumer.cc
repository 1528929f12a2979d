#include <iostream>
#include <string>

#include "belfry/dispatcher.h"
#include "belfry/version.h"

struct Greeted {
  std::string name;
};

int main() {
  belfry::Dispatcher dispatcher;
  auto subscription = dispatcher.Subscribe(
      [](const Greeted& event) { std::cout << "hello, " << event.name << std::endl; });
  dispatcher.Publish(Greeted{"world"});
  dispatcher.Drain();
}
