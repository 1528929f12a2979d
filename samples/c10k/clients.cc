#include "clients.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "belfry/connector.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/signals.h"
#include "process.h"

namespace c10k {
namespace {

using Why = belfry::ConnectionClosed::Why;

// Fewer than a listening socket keeps waiting: beyond that the system lets them wait for a second.
constexpr std::size_t kOnTheirWayMax = 500;

// All connections have this one listener: none of them has anything to remember.
class Clients final : public belfry::ConnectionListener {
 public:
  Clients(belfry::EventLoop& loop, const belfry::Endpoint& endpoint, std::size_t count)
      : loop_(loop), endpoint_(endpoint), count_(count), connector_(loop) {}

  // Stops the loop when the server has closed them all, or when one failed.
  void Start() {
    while (begun_ < std::min(count_, kOnTheirWayMax) && error_.ok()) ConnectNext();
  }

  void PrintProgress() const {
    std::cout << opened_ << " of " << count_ << " connected, " << answered_ << " lines answered"
              << std::endl;
  }

  const absl::Status& error() const { return error_; }
  std::size_t opened() const { return opened_; }
  std::uint64_t answered() const { return answered_; }

 private:
  void ConnectNext() {
    if (begun_ == count_) return;
    ++begun_;
    const auto id = connector_.Connect(endpoint_, *this);
    if (!id.ok()) Fail(id.status());
  }

  void OnOpened(belfry::Connection& /*connection*/) override {
    if (++opened_ == count_) PrintProgress();
    ConnectNext();
  }

  void OnData(belfry::Connection& connection, std::string_view data) override {
    answered_ += static_cast<std::uint64_t>(std::ranges::count(data, '\n'));
    connection.Write(data);
  }

  void OnClosed(belfry::Connection& /*connection*/,
                const belfry::ConnectionClosed& closed) override {
    if (closed.why == Why::kTimedOut || closed.why == Why::kNotRead) {
      return Fail(
          absl::DeadlineExceededError("a connection to " + endpoint_.text() + " timed out"));
    }
    if (closed.why == Why::kError) {
      return Fail(absl::ErrnoToStatus(closed.error, "a connection to " + endpoint_.text()));
    }
    if (++closed_ == count_) loop_.Stop();
  }

  void Fail(absl::Status error) {
    error_.Update(std::move(error));
    loop_.Stop();
  }

  belfry::EventLoop& loop_;
  const belfry::Endpoint endpoint_;
  const std::size_t count_;
  std::size_t begun_ = 0;
  std::size_t opened_ = 0;
  std::size_t closed_ = 0;
  std::uint64_t answered_ = 0;
  absl::Status error_;
  belfry::Connector connector_;
};

}  // namespace

absl::Status RunClients(const belfry::Endpoint& endpoint, std::size_t count) {
  absl::Status room = MakeRoomForConnections(count);
  if (!room.ok()) return room;

  belfry::EventLoop loop;
  belfry::Dispatcher dispatcher({.executor = &loop});
  const belfry::Signals signals(loop, dispatcher, {SIGINT, SIGTERM});
  const auto stop = dispatcher.Subscribe([&](const belfry::SignalReceived&) { loop.Stop(); },
                                         {.run = belfry::Run::kInline});
  Clients clients(loop, endpoint, count);
  loop.RunEvery(std::chrono::seconds(1), [&] { clients.PrintProgress(); });
  clients.Start();
  loop.Run();
  if (clients.error().ok()) {
    std::cout << ClientsSummary(clients.opened(), clients.answered()) << std::flush;
  }
  return clients.error();
}

std::string ClientsSummary(std::size_t connections, std::uint64_t answered) {
  return absl::StrCat(connections, " connections have answered ", answered, " lines\n");
}

}  // namespace c10k
