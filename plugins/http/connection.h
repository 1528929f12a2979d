// One connection: bytes to requests, answers to bytes, in order and in time. No socket, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/event_id.h"
#include "belfry/http/http_server.h"
#include "request_parser.h"

namespace belfry::http {

// What a connection wants of the server that it belongs to.
class ConnectionServer {
 public:
  enum class Intake { kAccepted, kTooMany, kRefused };

  // Publishes a request. kAccepted: it counts until Settled.
  virtual Intake Accept(HttpRequestReceived request, EventId opened) = 0;
  // A request that was accepted has its answer, or will not get one.
  virtual void Settled() = 0;
  // See Connections.
  virtual void Write(ConnectionId connection, std::string data) = 0;
  virtual void Close(ConnectionId connection) = 0;
  virtual void Abort(ConnectionId connection) = 0;
  virtual void PauseReading(ConnectionId connection) = 0;
  virtual void ResumeReading(ConnectionId connection) = 0;
  // For the answers' headers.
  virtual std::string_view Date() = 0;

 protected:
  ~ConnectionServer() = default;
};

// Its owner tells it what happens and calls OnTime at its deadline, which may be another one after
// each call.
//
// Thread safety: none; one thread.
class Connection {
 public:
  // `opened` is the event of its opening. `options` and `server` outlive it.
  Connection(ConnectionServer& server, const HttpServerOptions& options, ConnectionId id,
             EventId opened, SteadyTime now);

  void Receive(SteadyTime now, std::string_view bytes);
  void Answer(SteadyTime now, const HttpResponse& response);
  void OnTime(SteadyTime now);
  // Takes no further request, and closes when all answers are sent.
  void Drain(SteadyTime now);
  // The socket is closed.
  void Gone();

  std::optional<SteadyTime> deadline() const;
  // Requests that were accepted and have no answer.
  std::size_t unanswered() const;
  bool gone() const { return phase_ == Phase::kGone; }
  // Gone, and nothing counts any more.
  bool finished() const { return gone() && unanswered() == 0; }

 private:
  enum class Phase { kOpen, kClosing, kGone };

  // A request and its answer, once that is there.
  struct Exchange {
    std::uint64_t number = 0;
    bool head = false;
    bool keep_alive = true;
    bool accepted = false;  // counts as unanswered
    bool answered = false;
    std::string answer;
    SteadyTime answer_by;
  };

  void Parse(SteadyTime now);
  void Accept(SteadyTime now, ParsedRequest parsed);
  void Fail(SteadyTime now, const RequestError& error);
  void Keep(Exchange& exchange, const HttpResponse& response);
  void Settle(Exchange& exchange);
  void Flush(SteadyTime now);
  void Continue(SteadyTime now);
  void UpdateReading();
  void BeginClose(SteadyTime now);
  bool in_request() const;

  ConnectionServer& server_;
  const HttpServerOptions& options_;
  const ConnectionId id_;
  const EventId opened_;

  Phase phase_ = Phase::kOpen;
  bool draining_ = false;
  bool accepting_ = true;  // requests; what comes after the last one is thrown away
  bool paused_ = false;
  RequestParser parser_;
  std::string unread_;  // came before reading was paused
  std::deque<Exchange> pipeline_;
  std::uint64_t last_number_ = 0;

  SteadyTime idle_by_;
  SteadyTime request_by_;  // while in_request()
  SteadyTime close_by_;    // while kClosing
};

}  // namespace belfry::http
