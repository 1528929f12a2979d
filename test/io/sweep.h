// What is tried in the sweep over the system's calls, and where.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/clock.h"
#include "belfry/connection.h"
#include "belfry/connector.h"
#include "belfry/event_loop.h"
#include "sys/sys.h"

namespace belfry {

// A descriptor of the test's own, that does not block: the other end of what is tried.
class Peer {
 public:
  Peer() = default;
  explicit Peer(int fd);
  Peer(Peer&& other) noexcept;
  Peer& operator=(Peer&& other) noexcept;
  ~Peer() { Close(); }

  int fd() const { return fd_; }
  void Write(std::string_view data) const;
  // Reads what there is. All that has come so far.
  const std::string& Read();
  bool ended() const { return ended_; }  // nothing more comes
  void Close();
  // The descriptor is somebody else's from now on.
  int Release();

 private:
  int fd_ = -1;
  bool ended_ = false;
  std::string data_;
};

// Two ends of one stream socket, the first of them to be given away.
struct PeerPair {
  PeerPair();
  Peer ours;
  Peer other;
};

// What a connection was told.
struct Heard {
  Connection* connection = nullptr;  // while it is open
  std::string data;
  bool ended = false;
  bool closed = false;
  bool gone = false;  // its listener, with the connection
  int error = 0;
};

// Writes that down. When it goes its connection was opened and closed once, or not opened.
class Witness final : public ConnectionListener {
 public:
  enum class Does { kListen, kEcho };

  explicit Witness(Heard& heard, Does does = Does::kListen) : heard_(heard), does_(does) {}
  ~Witness() override;
  void OnOpened(Connection& connection) override;
  void OnData(Connection& connection, std::string_view data) override;
  void OnEnd(Connection& connection) override;
  void OnClosed(Connection& connection, const ConnectionClosed& closed) override;

 private:
  Heard& heard_;
  const Does does_;
  bool opened_ = false;
};

// A loop that the test turns itself, and on it a connection that has nothing to do with what is
// tried.
class Stage {
 public:
  explicit Stage(sys::Call failing);

  // Turns the loop until that is so.
  bool Until(const std::function<bool()>& done);
  // Whether the neighbour still gets its answers.
  bool NeighbourIsServed();

  ManualClock clock;
  EventLoop loop{clock};
  const sys::Call fails;  // what one call of may fail here

 private:
  Heard heard_;
  Connector connector_{loop};
  Peer neighbour_;
};

// The n-th call of a kind, in the order in which an operation makes them; 0: each.
struct NthCall {
  sys::Call call;
  int n = 0;
};

// Something that a program does, from beginning to end. What comes out is "" if all went as it
// should, else the error as the program was told it.
struct Operation {
  const char* name;
  std::string (*run)(Stage& stage);
  // Calls whose failure may be passed over.
  std::vector<NthCall> passed_over{};
  // An error that may be told instead of the one that the system said.
  int instead = 0;
};

inline void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

std::string ErrorText(int error);

// --- Operations (sweep_loop.cc, sweep_server.cc, sweep_connection.cc) ---

const std::vector<Operation>& LoopOperations();
const std::vector<Operation>& ServerOperations();
const std::vector<Operation>& ConnectionOperations();

}  // namespace belfry
