// Connections by listeners: once with sockets, once in a world.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "belfry/connector.h"
#include "belfry/event_loop.h"
#include "belfry/server.h"

namespace belfry::testing {

// A peer, that the test plays.
class StreamPeer {
 public:
  virtual ~StreamPeer() = default;
  virtual void Send(const std::string& data) = 0;
  virtual void End() = 0;
  virtual void Reset() = 0;  // ECONNRESET
  // It reads only what is received below.
  virtual void StopReading() = 0;
  // That much of what was sent to it; less if there is an end before. Not more than was sent.
  virtual std::string Receive(std::size_t size) = 0;
  // What has come so far.
  virtual std::string Available() = 0;
  // Whether there is nothing more, for good.
  virtual bool AtEnd() = 0;
};

// Where they are. Time stands still until the test lets it pass.
class StreamNet {
 public:
  virtual ~StreamNet() = default;
  virtual EventLoop& loop() = 0;
  virtual std::unique_ptr<Server> Listen(ConnectionListener& listener, ServerOptions options) = 0;
  virtual std::unique_ptr<Server> Listen(MakeConnectionListener make) = 0;
  virtual std::unique_ptr<Connector> MakeConnector(const ConnectionOptions& options) = 0;

  // A client of the server that was made last.
  virtual std::unique_ptr<StreamPeer> Open() = 0;
  // Endpoints that do this; and the next connection to the one that answers.
  virtual Endpoint Answering() = 0;
  virtual Endpoint Refusing() = 0;
  virtual Endpoint Silent() = 0;
  virtual std::unique_ptr<StreamPeer> Accept() = 0;

  // Until that is so, and nothing more happens.
  virtual void RunUntil(const std::function<bool()>& done) = 0;
  void Run() {
    RunUntil([] { return true; });
  }
  virtual void Pass(Nanoseconds time) = 0;
};

std::unique_ptr<StreamNet> MakeSockets();
// What is sent through these is there at once, for sure. They serve only.
std::unique_ptr<StreamNet> MakeUnixSockets();
std::unique_ptr<StreamNet> MakeFakes();

}  // namespace belfry::testing
