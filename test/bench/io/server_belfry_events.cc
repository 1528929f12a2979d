// Belfry through the dispatcher: an inline listener of DataReceived.
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "belfry/connection_events.h"
#include "belfry/dispatcher.h"
#include "belfry/endpoint.h"
#include "belfry/event_loop.h"
#include "belfry/subscription_bag.h"
#include "bench/io/fail.h"
#include "bench/io/frames.h"
#include "bench/io/server.h"

namespace bench {
namespace {

void Run(const ServerOptions& options) {
  belfry::EventLoop loop;
  belfry::Dispatcher dispatcher({.executor = &loop});
  belfry::ConnectionEvents connections(loop, dispatcher);

  std::unordered_map<std::uint64_t, FrameSplitter> frames;
  belfry::SubscriptionBag subscriptions;
  if (options.framed) {
    subscriptions += dispatcher.Subscribe(
        [&](const belfry::DataReceived& e) {
          frames[e.connection.number].Split(
              e.data, [&](std::string_view frame) { connections.Write(e.connection, frame); });
        },
        {.run = belfry::Run::kInline});
    subscriptions += dispatcher.Subscribe(
        [&](const belfry::ConnectionClosed& e) { frames.erase(e.connection.number); },
        {.run = belfry::Run::kInline});
  } else {
    subscriptions += dispatcher.Subscribe(
        [&](const belfry::DataReceived& e) { connections.Write(e.connection, e.data); },
        {.run = belfry::Run::kInline});
  }
  const auto endpoint = connections.Listen(*belfry::Endpoint::Tcp("127.0.0.1", options.port),
                                           {.backlog = kBacklog, .connections_max = 20'000});
  if (!endpoint.ok()) FailWith("Listen");
  PrintPort(endpoint->port());
  loop.Run();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { bench::Run(bench::ReadServerOptions(argc, argv)); }
