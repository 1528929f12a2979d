#include "demo.h"

#include <chrono>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "belfry/clock.h"
#include "belfry/connector.h"
#include "belfry/endpoint.h"
#include "belfry/event_loop.h"
#include "broadcaster.h"
#include "clients.h"
#include "process.h"

namespace c10k {
namespace {

constexpr std::uint64_t kBroadcasts = 5;
constexpr belfry::Nanoseconds kPatience = std::chrono::seconds(60);  // for a loaded machine

// What the clients print.
class Output final : public belfry::ConnectionListener {
 public:
  const std::string& text() const { return text_; }
  bool ended() const { return ended_; }

 private:
  void OnData(belfry::Connection& /*connection*/, std::string_view data) override { text_ += data; }
  void OnClosed(belfry::Connection& /*connection*/,
                const belfry::ConnectionClosed& /*closed*/) override {
    ended_ = true;
  }

  std::string text_;
  bool ended_ = false;
};

class Demo {
 public:
  explicit Demo(std::size_t count) : count_(count) {}

  absl::Status Run() {
    absl::Status status = MakeRoomForConnections(count_);
    if (!status.ok()) return status;
    status = broadcaster_.Listen(*belfry::Endpoint::Parse("127.0.0.1:0"), count_);
    if (!status.ok()) return status;
    absl::StatusOr<Child> clients =
        Child::Start({"c10k", "clients", broadcaster_.endpoint().text(), std::to_string(count_)});
    if (!clients.ok()) return clients.status();
    if (const auto pipe = connector_.Adopt(clients->output(), output_); !pipe.ok()) {
      return pipe.status();
    }
    status = Broadcast();
    if (!status.ok()) return status;
    status = clients->Wait();
    if (!status.ok()) return absl::AbortedError(absl::StrCat("clients: ", status.message()));
    return Summary();
  }

 private:
  absl::Status Broadcast() {
    absl::Status status =
        Await("every client to connect", [&] { return broadcaster_.clients() == count_; });
    if (!status.ok()) return status;
    std::cout << count_ << " connections are open" << std::endl;
    broadcaster_.Start(kBroadcasts);
    status = Await("every client to answer", [&] { return broadcaster_.done(); });
    if (!status.ok()) return status;
    bytes_per_client_ = broadcaster_.bytes_per_client();
    broadcaster_.CloseAll();
    status = Await("the clients to end", [&] { return output_.ended(); });
    return status;
  }

  // Runs the loop until then.
  absl::Status Await(const char* what, const std::function<bool()>& happened) {
    const belfry::SteadyTime deadline = loop_.clock().Now() + kPatience;
    while (!happened()) {
      if (output_.ended()) return absl::AbortedError("the clients ended early");
      if (loop_.clock().Now() > deadline) {
        return absl::DeadlineExceededError(
            absl::StrCat("gave up waiting for ", what, ": ", broadcaster_.clients(), " connected, ",
                         broadcaster_.unanswered(), " lines unanswered"));
      }
      loop_.RunOnce(std::chrono::milliseconds(100));
    }
    return absl::OkStatus();
  }

  absl::Status Summary() const {
    const Totals& totals = broadcaster_.totals();
    std::cout << absl::StreamFormat(
                     "%d connections: %d lines sent, %d answered, %d dropped, %d wrong; "
                     "%.1f MiB, %d bytes a connection; worst second: p50 %.1f ms, p99 %.1f ms\n",
                     count_, totals.sent, totals.answered, totals.dropped, totals.wrong,
                     static_cast<double>(broadcaster_.resident_bytes()) / (1 << 20),
                     bytes_per_client_, broadcaster_.worst().p50, broadcaster_.worst().p99)
              << std::flush;
    const std::uint64_t wanted = count_ * kBroadcasts;
    if (totals.sent != wanted || totals.answered != wanted || totals.wrong != 0) {
      return absl::DataLossError(absl::StrCat("not all of ", wanted, " lines were answered"));
    }
    if (const std::string said = ClientsSummary(count_, wanted); !output_.text().ends_with(said)) {
      return absl::DataLossError(absl::StrCat("the clients should have ended with\n", said,
                                              "and not with\n", output_.text()));
    }
    std::cout << "nothing was dropped: both sides count " << wanted << " answers" << std::endl;
    return absl::OkStatus();
  }

  const std::size_t count_;
  std::size_t bytes_per_client_ = 0;  // with all of them connected
  belfry::EventLoop loop_;
  Broadcaster broadcaster_{loop_};
  Output output_;
  belfry::Connector connector_{loop_};
};

}  // namespace

absl::Status RunDemo(std::size_t count) { return Demo(count).Run(); }

}  // namespace c10k
