#include "serve.h"

#include <chrono>
#include <csignal>
#include <iostream>

#include "absl/status/statusor.h"

#include "belfry/clock.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/signals.h"
#include "broadcaster.h"
#include "process.h"

namespace c10k {
namespace {

// What clients may take to close when the server ends.
constexpr belfry::Nanoseconds kPatience = std::chrono::seconds(3);

}  // namespace

absl::Status Serve(const belfry::Endpoint& endpoint) {
  const absl::StatusOr<std::size_t> room = RoomForConnections();
  if (!room.ok()) return room.status();
  if (*room < kClients) std::cerr << "c10k: " << TooLittleRoom(*room, kClients) << std::endl;

  belfry::EventLoop loop;
  belfry::Dispatcher dispatcher({.executor = &loop});
  const belfry::Signals signals(loop, dispatcher, {SIGINT, SIGTERM});
  const auto stop = dispatcher.Subscribe([&](const belfry::SignalReceived&) { loop.Stop(); },
                                         {.run = belfry::Run::kInline});
  Broadcaster broadcaster(loop);
  absl::Status listening = broadcaster.Listen(endpoint, *room);
  if (!listening.ok()) return listening;
  std::cout << "listening on " << broadcaster.endpoint().text() << std::endl;
  broadcaster.Start();
  loop.Run();

  broadcaster.CloseAll();
  const belfry::SteadyTime deadline = loop.clock().Now() + kPatience;
  while (broadcaster.clients() > 0 && loop.clock().Now() < deadline) loop.RunOnce(kPatience);
  const Totals& totals = broadcaster.totals();
  std::cout << totals.sent << " lines sent, " << totals.answered << " answered, " << totals.dropped
            << " dropped, " << totals.wrong << " wrong answers" << std::endl;
  return absl::OkStatus();
}

}  // namespace c10k
