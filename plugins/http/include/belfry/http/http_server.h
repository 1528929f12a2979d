// An HTTP/1.1 server as events: requests in, responses out.
//
//   auto server = belfry::http::HttpServer::Listen(loop, dispatcher, {.port = 8080});
//   auto hello = dispatcher.Subscribe([&](const belfry::http::HttpRequestReceived& request) {
//     dispatcher.Publish(belfry::http::HttpResponse{.request = request.id, .body = "hello\n"});
//   });
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "belfry/completion.h"
#include "belfry/connection_events.h"
#include "belfry/dispatcher.h"
#include "belfry/event_loop.h"
#include "belfry/export.h"

namespace belfry::http {

// Names one request: the how-manieth of its connection.
struct RequestId {
  ConnectionId connection{};
  std::uint64_t number = 0;
  friend auto operator<=>(const RequestId&, const RequestId&) = default;
};

// A whole request, body included. Starts a story of its own and is linked to its connection.
struct HttpRequestReceived {
  RequestId id{};
  std::string method{};  // "GET"
  std::string target{};  // as sent: "/stats?full=1"
  std::vector<Header> headers{};
  std::string body{};

  // The first header of that name, upper or lower case; "" when there is none.
  BELFRY_EXPORT std::string_view header(std::string_view name) const;
};
BELFRY_EVENT_NAME(HttpRequestReceived, "belfry.http.request_received", 1);
BELFRY_EXPORT std::size_t BelfryEventBytes(const HttpRequestReceived& request);

// The answer. The first one for a request counts; one for a request that is gone, or was answered,
// does nothing. The server states Content-Length and Connection, and a Date unless there is one; a
// header `Connection: close` is honoured. No body is sent to a HEAD, nor with 204 and 304. What
// cannot be sent is answered as 500 instead: a status outside of 200 to 599, a header with a line
// break or another control character in it.
struct HttpResponse {
  RequestId request{};
  int status = 200;
  std::vector<Header> headers{};
  std::string body{};
};
BELFRY_EVENT_NAME(HttpResponse, "belfry.http.response", 1);
BELFRY_EXPORT std::size_t BelfryEventBytes(const HttpResponse& response);

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: the system picks one; see port()
  std::size_t connections_max = 10000;
  // Of the request line, all fields, chunk extensions and trailers; beyond: 431, and 414 when it is
  // the request line.
  std::size_t header_bytes_max = 16384;
  std::size_t body_bytes_max = std::size_t{1} << 20;  // beyond: 413, before it is read if announced
  // Of a connection's answers that its client does not read; beyond, the next answer closes it.
  std::size_t unsent_bytes_max = std::size_t{4} << 20;
  std::size_t pipelined_max = 16;   // per connection, not yet answered; then it is not read
  std::size_t requests_max = 1000;  // in all, not yet answered; beyond: 503
  Nanoseconds request_time_max = std::chrono::seconds(10);  // from its first byte to its last: 408
  Nanoseconds answer_time_max = std::chrono::seconds(30);   // from then to its answer: 503
  Nanoseconds idle_time_max = std::chrono::seconds(60);     // between requests: closed
};

// Answers of one connection leave in the order of its requests, however they come. Bytes that are
// not HTTP get a 400. Whatever leaves open where the next request begins (400, 408, 413, 414, 417,
// 431, 501, 505) is followed by a close; a 503 is not. A request that no queue had room for is
// answered with 503 at once: the loop does not wait. What a client sent that is gone before its
// answer still counts against requests_max until that answer came, or its time was over.
//
// Thread safety: creation and destruction in the loop's thread, not inside a listener; port and
// Drain from any.
// Lifetime: the destructor closes every connection. The loop outlives the dispatcher, and that the
// server.
class BELFRY_EXPORT HttpServer {
 public:
  // Errors: see ConnectionEvents::Listen; INVALID_ARGUMENT also for an option of zero,
  // FAILED_PRECONDITION when the dispatcher is closed.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Listen(EventLoop& loop, Dispatcher& dispatcher,
                                                            HttpServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // Accepts no more, closes idle connections, and closes the others after the answers they wait
  // for. Finished with 0 when the last connection is closed, else when `limit` has passed, or at
  // the destructor, with the number of requests then unanswered.
  Completion<std::size_t> Drain(Nanoseconds limit);

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with what was posted to the loop
};

}  // namespace belfry::http
