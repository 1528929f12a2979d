#include "io/event_connection.h"

#include <string>

namespace belfry {

EventConnection::EventConnection(std::shared_ptr<EventConnectionHost> host,
                                 std::shared_ptr<ServerCore> server)
    : host_(std::move(host)),
      server_(std::move(server)),
      outbox_(std::make_unique<Outbox>(host_->loop(), host_->dispatcher(),
                                       static_cast<OutboxOwner&>(*this))) {}

void EventConnection::OnOpened(Connection& connection) {
  connection_ = &connection;
  const EventId opened = host_->dispatcher().NewEventId();
  auto opening = std::make_shared<const EnvelopeExtras>(EnvelopeExtras{.links = {opened}});
  Publish(ConnectionOpened{connection.id(), connection.peer()}, opened);
  opening_ = std::move(opening);
  if (paused_) UpdateReading();
}

void EventConnection::OnData(Connection& connection, std::string_view data) {
  // Only a queued listener takes the text's memory away.
  DataReceived& event = host_->received();
  event.connection = connection.id();
  event.data.assign(data);
  Publish(std::move(event));
}

void EventConnection::OnWritable(Connection& connection) {
  Publish(ConnectionWritable{connection.id()});
}

void EventConnection::OnClosed(Connection& /*connection*/, const ConnectionClosed& closed) {
  outbox_->Publish(ConnectionClosed(closed), opening_);
  if (!outbox_->empty()) host_->Keep(std::move(outbox_), server_);
}

template <class E>
void EventConnection::Publish(E&& event, EventId id) {
  outbox_->Publish(std::forward<E>(event), opening_, id);
  if (!outbox_->empty()) UpdateReading();
}

void EventConnection::OutboxEmptied(Outbox& /*outbox*/) { UpdateReading(); }

void EventConnection::SetPaused(bool paused) {
  paused_ = paused;
  if (connection_ != nullptr) UpdateReading();
}

void EventConnection::UpdateReading() {
  paused_ || !outbox_->empty() ? connection_->PauseReading() : connection_->ResumeReading();
}

}  // namespace belfry
