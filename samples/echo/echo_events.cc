// Sends back what comes: by events.

#include <csignal>
#include <iostream>
#include <string_view>

#include "belfry/connection_events.h"
#include "belfry/signals.h"

int main(int argc, char** argv) {
  const std::string_view where = argc > 1 ? argv[1] : "127.0.0.1:7000";
  if (argc > 2 || where == "--help") {
    std::cout << "echo_events [ENDPOINT], as 127.0.0.1:7000 or unix:/run/echo.sock\n";
    return argc > 2 ? 1 : 0;
  }
  belfry::EventLoop loop;
  belfry::Dispatcher dispatcher;
  const belfry::Signals signals(loop, dispatcher, {SIGINT, SIGTERM});
  belfry::ConnectionEvents connections(loop, dispatcher);

  const auto echo = dispatcher.Subscribe(
      [&](const belfry::DataReceived& e) { connections.Write(e.connection, e.data); },
      {.run = belfry::Run::kInline});
  const auto stop = dispatcher.Subscribe([&](const belfry::SignalReceived&) { loop.Stop(); },
                                         {.run = belfry::Run::kInline});

  auto endpoint = belfry::Endpoint::Parse(where);
  if (endpoint.ok()) endpoint = connections.Listen(*endpoint);
  if (!endpoint.ok()) return std::cerr << endpoint.status().message() << "\n", 1;
  std::cout << "listening on " << endpoint->text() << std::endl;
  loop.Run();
}
