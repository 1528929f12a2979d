// Sends back what comes: by a listener of each connection.

#include <sys/signalfd.h>

#include <csignal>
#include <iostream>
#include <string_view>

#include "belfry/server.h"

class Echo final : public belfry::ConnectionListener {
  void OnData(belfry::Connection& connection, std::string_view data) override {
    connection.Write(data);
  }
};

int main(int argc, char** argv) {
  const std::string_view where = argc > 1 ? argv[1] : "127.0.0.1:7000";
  if (argc > 2 || where == "--help") {
    std::cout << "echo_listener [ENDPOINT], as 127.0.0.1:7000 or unix:/run/echo.sock\n";
    return argc > 2 ? 1 : 0;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  belfry::EventLoop loop;
  loop.Watch(signalfd(-1, &ends, SFD_CLOEXEC), belfry::Interest::kReadable,
             [&](belfry::Readiness) { loop.Stop(); });

  Echo echo;
  const auto endpoint = belfry::Endpoint::Parse(where);
  auto server = endpoint.ok() ? belfry::Server::Listen(loop, *endpoint, echo) : endpoint.status();
  if (!server.ok()) return std::cerr << server.status().message() << "\n", 1;
  std::cout << "listening on " << (*server)->endpoint().text() << std::endl;
  loop.Run();
}
