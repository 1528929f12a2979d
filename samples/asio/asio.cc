// One thread, Asio's loop, and Belfry's listeners in it.

#include <chrono>
#include <iostream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "asio_executor.h"
#include "belfry/dispatcher.h"

struct Struck {
  int hour;
};

int main() {
  boost::asio::io_context loop(1);
  OnAsio executor(loop.get_executor(), /*may_block=*/false);
  belfry::Dispatcher dispatcher({.executor = &executor});

  const belfry::Subscription town = dispatcher.Subscribe(
      [](const Struck& struck) { std::cout << "It is " << struck.hour << " o'clock.\n"; });

  boost::asio::steady_timer clock(loop);
  int hour = 0;
  const auto strike = [&](const auto& again) -> void {
    clock.expires_after(std::chrono::milliseconds(100));
    clock.async_wait([&](const boost::system::error_code&) {
      dispatcher.Publish(Struck{++hour});
      if (hour < 3) again(again);
    });
  };
  strike(strike);

  loop.run();  // until the clock has struck three times and the town has heard it
}
