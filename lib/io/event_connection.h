// Publishes what one connection is told.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "belfry/connections.h"
#include "belfry/dispatcher.h"
#include "io/outbox.h"

namespace belfry {

class ServerCore;

// Whoever has such connections.
class EventConnectionHost {
 public:
  virtual EventLoop& loop() = 0;
  virtual Dispatcher& dispatcher() = 0;
  // An event whose memory is used again, for the one whose turn it is; see EventConnection::OnData.
  virtual DataReceived& received() = 0;
  // A connection of that server (null: a client) is gone; this is what of it waits to be accepted.
  virtual void Keep(std::unique_ptr<Outbox> outbox, std::shared_ptr<ServerCore> server) = 0;

 protected:
  ~EventConnectionHost() = default;
};

// What the dispatcher refuses for the moment waits, with all that comes after it, and the
// connection is not read meanwhile.
//
// Thread safety: the loop's thread.
class EventConnection final : public ConnectionListener, private OutboxOwner {
 public:
  EventConnection(std::shared_ptr<EventConnectionHost> host, std::shared_ptr<ServerCore> server);

  void OnOpened(Connection& connection) override;
  void OnData(Connection& connection, std::string_view data) override;
  void OnWritable(Connection& connection) override;
  void OnClosed(Connection& connection, const ConnectionClosed& closed) override;

  void SetPaused(bool paused);

 private:
  template <class E>
  void Publish(E&& event, EventId id = {});
  void OutboxEmptied(Outbox& outbox) override;
  std::shared_ptr<void> Alive() override { return host_; }
  void UpdateReading();

  const std::shared_ptr<EventConnectionHost> host_;
  const std::shared_ptr<ServerCore> server_;
  Connection* connection_ = nullptr;  // once it is open
  SharedExtras opening_;              // a link to the connection's opening, once that is published
  std::unique_ptr<Outbox> outbox_;
  bool paused_ = false;  // by the program
};

}  // namespace belfry
