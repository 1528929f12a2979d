// Belfry without a dispatcher: each connection has its listener.
#include <cstdint>
#include <memory>
#include <string_view>

#include "belfry/event_loop.h"
#include "belfry/server.h"
#include "bench/io/fail.h"
#include "bench/io/frames.h"
#include "bench/io/server.h"

namespace bench {
namespace {

class Echo final : public belfry::ConnectionListener {
 public:
  void OnData(belfry::Connection& connection, std::string_view data) override {
    connection.Write(data);
  }
};

class Frames final : public belfry::ConnectionListener {
 public:
  void OnData(belfry::Connection& connection, std::string_view data) override {
    splitter_.Split(data, [&](std::string_view frame) { connection.Write(frame); });
  }

 private:
  FrameSplitter splitter_;
};

void Run(const ServerOptions& options) {
  belfry::EventLoop loop;
  const belfry::ServerOptions server_options{.backlog = kBacklog, .connections_max = 20'000};
  const auto endpoint = belfry::Endpoint::Tcp("127.0.0.1", options.port);
  Echo echo;
  const auto server =
      options.framed
          ? belfry::Server::Listen(
                loop, *endpoint, [] { return std::make_unique<Frames>(); }, server_options)
          : belfry::Server::Listen(loop, *endpoint, echo, server_options);
  if (!server.ok()) Fail("Listen");
  PrintPort((*server)->endpoint().port());
  loop.Run();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { bench::Run(bench::ReadServerOptions(argc, argv)); }
