// Random walks: whatever a peer and a program do to a connection, its listener hears the same of a
// real one and of a fake one, and as much arrives.

#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "io/told.h"
#include "scale.h"
#include "testing/stream_nets.h"

namespace belfry::testing {
namespace {

using std::chrono::milliseconds;

// Of the walk with that seed: what was done, and all that could be seen after each step.
class Walk {
 public:
  Walk(StreamNet& net, unsigned seed) : net_(net), chance_(seed), calls_chance_(seed + 1) {
    const auto in_call = [this](Connection& connection) { InCall(connection); };
    told_.on_opened = told_.on_data = told_.on_writable = in_call;
    told_.on_end = [this](Connection& connection) {
      end_told_ = true;
      InCall(connection);
    };
    server_ = net_.Listen(told_, {.connections = {.read_bytes_max = 16,
                                                  .write_buffer_max = 300,
                                                  .write_buffer_high = 100,
                                                  .write_buffer_low = 50,
                                                  .idle_timeout = milliseconds(3000),
                                                  .read_timeout = milliseconds(4000)}});
  }

  std::vector<std::string> Go(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (told_.last == nullptr) {
        log_.emplace_back("a client connects");
        peer_ = net_.Open();
        told_.received.clear();
        sent_ = 0;
        peer_ended_ = end_told_ = false;
      } else {
        Step();
      }
      net_.Run();
      Look();
    }
    server_.reset();
    Look();
    return log_;
  }

 private:
  static constexpr int kDoings = 10;

  int Draw(std::mt19937& chance, int below) {
    return static_cast<int>(chance() % static_cast<unsigned>(below));
  }

  void Step() {
    const int what = Draw(chance_, 16);
    if (what < 4) {
      const auto size = static_cast<std::size_t>(1 + Draw(chance_, 40));
      if (has_unread()) return;  // two pieces would be read as one
      sent_ += size;
      log_.push_back("the peer sends " + std::to_string(size));
      peer_->Send(std::string(size, static_cast<char>('a' + Draw(chance_, 26))));
    } else if (what == 4) {
      log_.emplace_back("the peer ends");
      peer_->End();
      peer_ended_ = true;
    } else if (what == 5) {
      const int tens = 1 + Draw(chance_, 150);
      log_.push_back(std::to_string(tens) + "0 ms pass");
      net_.Pass(milliseconds(10 * tens));
    } else {
      // What waits to be read comes with the next turn of a real loop, of a world's at some time.
      const int times = has_unread() ? 1 : 1 + Draw(chance_, 3);
      for (int i = 0; i < times && told_.last != nullptr; ++i) Do(*told_.last, chance_);
    }
  }

  bool has_unread() const { return told_.received.size() < sent_ || (peer_ended_ && !end_told_); }

  // Inside of a call little is done, so that connections live for a while.
  void InCall(Connection& connection) {
    if (Draw(calls_chance_, 2) == 0) Do(connection, calls_chance_);
  }

  void Do(Connection& connection, std::mt19937& chance) {
    const auto size = static_cast<std::size_t>(1 + Draw(chance, 120));
    switch (Draw(chance, kDoings + 4)) {
      case 0:
        log_.emplace_back("pause");
        return connection.PauseReading();
      case 1:
      case 2:
        log_.emplace_back("resume");
        return connection.ResumeReading();
      case 3:
        log_.emplace_back("flush");
        return connection.Flush();
      case 4:
        log_.push_back("deadline " + std::to_string(size) + "0");
        return connection.SetDeadline(milliseconds(10 * size));
      case 5:
        log_.emplace_back("no deadline");
        return connection.SetDeadline(std::nullopt);
      case 6:
        log_.push_back("defer " + std::to_string(size));
        return connection.Defer([this, size](Connection& later) {
          log_.push_back("deferred " + std::to_string(size));
          later.Write(std::string(size, 'D'));
        });
      case 7:
        if (size % 4 != 0) return;
        log_.emplace_back("end writing");
        return connection.EndWriting();
      case 8:
        if (size % 4 != 0) return;
        log_.emplace_back("close");
        return connection.Close();
      case 9:
        if (size % 8 != 0) return;
        log_.emplace_back("abort");
        return connection.Abort();
      default:
        log_.push_back("write " + std::to_string(size));
        return connection.Write(std::string(size, 'W'));
    }
  }

  // What has become of it.
  void Look() {
    for (; seen_ < told_.story.size(); ++seen_) log_.push_back("told " + told_.story[seen_]);
    if (Connection* const connection = told_.last; connection != nullptr) {
      log_.push_back("unsent " + std::to_string(connection->unsent()) +
                     (connection->writable() ? ", writable" : ""));
    }
    if (peer_ == nullptr) return;
    log_.push_back("the peer got " + peer_->Available());
    if (peer_->AtEnd()) log_.emplace_back("and the end");
    log_.push_back(std::to_string(server_ == nullptr ? 0 : server_->connections()) + " open");
  }

  StreamNet& net_;
  std::mt19937 chance_;
  std::mt19937 calls_chance_;
  Told told_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<StreamPeer> peer_;
  std::size_t sent_ = 0;  // by the peer of this connection
  bool peer_ended_ = false;
  bool end_told_ = false;
  std::size_t seen_ = 0;
  std::vector<std::string> log_;
};

// The last of what both did alike, and what comes then.
std::string Difference(const std::vector<std::string>& real, const std::vector<std::string>& fake) {
  std::size_t same = 0;
  while (same < real.size() && same < fake.size() && real[same] == fake[same]) ++same;
  std::string text;
  for (std::size_t i = same < 30 ? 0 : same - 30; i < same; ++i) text += "  " + real[i] + "\n";
  const auto at = [same](const std::vector<std::string>& log) {
    return same < log.size() ? log[same] : "nothing";
  };
  return text + "real: " + at(real) + "\nfake: " + at(fake);
}

TEST(StreamWalkTest, AFakeConnectionDoesWhateverARealOneDoes) {
  for (const unsigned seed : Seeds(200, 10'000)) {
    SCOPED_TRACE(seed);
    const std::unique_ptr<StreamNet> sockets = MakeUnixSockets();
    const std::unique_ptr<StreamNet> fakes = MakeFakes();
    const std::vector<std::string> real = Walk(*sockets, seed).Go(60);
    const std::vector<std::string> fake = Walk(*fakes, seed).Go(60);
    ASSERT_TRUE(real == fake) << Difference(real, fake);
  }
}

}  // namespace
}  // namespace belfry::testing
