// The tests that both of a kind must pass: connections by listeners, with sockets and in a world.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>

#include "io/told.h"
#include "testing/stream_nets.h"

namespace belfry::testing {

using MakeStreamNet = std::unique_ptr<StreamNet> (*)();

class StreamContractTest : public ::testing::TestWithParam<std::pair<const char*, MakeStreamNet>> {
 protected:
  void TearDown() override {
    server.reset();
    connector.reset();
  }

  void Serve(const ServerOptions& options = {}) { server = net->Listen(told, options); }
  // A client that is open and known to the server.
  std::unique_ptr<StreamPeer> Open() {
    const std::size_t before = server->connections();
    auto peer = net->Open();
    net->RunUntil([&] { return server->connections() > before; });
    return peer;
  }
  void RunUntilTold(std::size_t count) {
    net->RunUntil([&] { return told.story.size() >= count; });
  }
  void Pass(Nanoseconds time) { net->Pass(time); }
  // Lets the server's end read `data`.
  void SendAndRun(StreamPeer& peer, const std::string& data) {
    const std::size_t before = told.received.size();
    peer.Send(data);
    net->RunUntil([&] { return told.received.size() >= before + data.size(); });
  }

  Told told;
  const std::unique_ptr<StreamNet> net = GetParam().second();
  std::unique_ptr<Server> server;
  std::unique_ptr<Connector> connector;
};

inline auto BothStreamNets() {
  return ::testing::Values(std::pair("Sockets", &MakeSockets), std::pair("Fakes", &MakeFakes));
}
inline std::string StreamNetName(
    const ::testing::TestParamInfo<std::pair<const char*, MakeStreamNet>>& info) {
  return info.param.first;
}

}  // namespace belfry::testing
