#include "belfry/http/http_server.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"

#include "connection.h"
#include "response_writer.h"

namespace belfry::http {
namespace {

std::size_t BytesOf(const std::vector<Header>& headers) {
  std::size_t bytes = headers.capacity() * sizeof(Header);
  for (const auto& [name, value] : headers) bytes += name.size() + value.size();
  return bytes;
}

// The name of an option that is zero and must not be; null when all is well.
const char* MissingOption(const HttpServerOptions& options) {
  if (options.connections_max == 0) return "connections_max";
  if (options.header_bytes_max == 0) return "header_bytes_max";
  if (options.unsent_bytes_max == 0) return "unsent_bytes_max";
  if (options.pipelined_max == 0) return "pipelined_max";
  if (options.requests_max == 0) return "requests_max";
  if (options.request_time_max <= Nanoseconds::zero()) return "request_time_max";
  if (options.answer_time_max <= Nanoseconds::zero()) return "answer_time_max";
  if (options.idle_time_max <= Nanoseconds::zero()) return "idle_time_max";
  return nullptr;
}

}  // namespace

std::string_view HttpRequestReceived::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const Header& header) {
    return EqualIgnoringCase(header.first, name);
  });
  return found == headers.end() ? std::string_view() : found->second;
}

std::size_t BelfryEventBytes(const HttpRequestReceived& request) {
  return sizeof(request) + request.method.size() + request.target.size() +
         BytesOf(request.headers) + request.body.size();
}

std::size_t BelfryEventBytes(const HttpResponse& response) {
  return sizeof(response) + BytesOf(response.headers) + response.body.size();
}

// All of it happens on the loop's thread.
class HttpServer::Impl final : public ConnectionServer,
                               public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  Impl(EventLoop& loop, Dispatcher& dispatcher, HttpServerOptions options)
      : loop_(loop), dispatcher_(dispatcher), options_(std::move(options)) {}

  absl::Status Start();
  void Stop();
  void Drain(Nanoseconds limit, const Completion<std::size_t>& done);
  std::uint16_t port() const { return port_; }
  EventLoop& loop() const { return loop_; }

 private:
  struct Entry {
    std::shared_ptr<Connection> connection;  // shared with the call it is in
    bool open = true;
    TimerId timer;
    SteadyTime timer_at;
  };
  struct Draining {
    Completion<std::size_t> done;
    TimerId timer;
  };

  absl::Status Listen();
  void OnOpened(const ConnectionOpened& opened, EventId id);
  void OnResponse(const HttpResponse& response);

  // Calls `f(connection, now)` and sees to what may follow from it.
  template <class F>
  void With(std::uint64_t number, F f);
  void Arm(std::uint64_t number, Entry& entry);
  void EndDrains();
  std::size_t Unanswered() const;

  Intake Accept(HttpRequestReceived request, EventId opened) override;
  void Settled() override { --requests_; }
  void Write(ConnectionId id, std::string data) override { tcp_->Write(id, data); }
  void Close(ConnectionId id) override { tcp_->Close(id); }
  void Abort(ConnectionId id) override { tcp_->Abort(id); }
  void PauseReading(ConnectionId id) override { tcp_->PauseReading(id); }
  void ResumeReading(ConnectionId id) override { tcp_->ResumeReading(id); }
  std::string_view Date() override;

  EventLoop& loop_;
  Dispatcher& dispatcher_;
  const HttpServerOptions options_;
  std::unique_ptr<ConnectionEvents> tcp_;
  std::uint16_t port_ = 0;
  std::uint64_t server_id_ = 0;
  std::vector<Subscription> subscriptions_;
  std::unordered_map<std::uint64_t, Entry> connections_;  // by ConnectionId::number
  std::size_t open_ = 0;                                  // of the connections
  std::size_t requests_ = 0;                              // accepted and not settled
  bool draining_ = false;
  std::vector<Draining> drains_;
  std::int64_t date_second_ = -1;
  std::string date_;
};

absl::Status HttpServer::Impl::Start() {
  if (const char* missing = MissingOption(options_)) {
    return absl::InvalidArgumentError(std::string("HttpServerOptions::") + missing +
                                      " must be more than zero");
  }
  const auto address = Endpoint::Tcp(options_.address, options_.port);
  if (!address.ok()) return address.status();
  tcp_ = std::make_unique<ConnectionEvents>(
      loop_, dispatcher_, ConnectionOptions{.write_buffer_max = options_.unsent_bytes_max});
  const auto endpoint = tcp_->Listen(*address, {.connections_max = options_.connections_max});
  if (!endpoint.ok()) return endpoint.status();
  port_ = endpoint->port();
  server_id_ = tcp_->id();
  return Listen();
}

// Other servers' events come here too, on whatever thread: they are let go before anything is
// touched.
absl::Status HttpServer::Impl::Listen() {
  const auto options = [](std::string name, Run run) {
    ListenerOptions listener;
    listener.name = std::move(name);
    listener.run = run;
    return listener;
  };
  subscriptions_.push_back(dispatcher_.Subscribe(
      [this](const ConnectionOpened& event, Context& context) {
        if (event.connection.server == server_id_) OnOpened(event, context.envelope().id());
      },
      options("http.connection_opened", Run::kInline)));
  subscriptions_.push_back(dispatcher_.Subscribe(
      [this](const DataReceived& event) {
        if (event.connection.server != server_id_) return;
        With(event.connection.number,
             [&](Connection& c, SteadyTime now) { c.Receive(now, event.data); });
      },
      options("http.data_received", Run::kInline)));
  subscriptions_.push_back(dispatcher_.Subscribe(
      [this](const ConnectionClosed& event) {
        if (event.connection.server != server_id_) return;
        With(event.connection.number, [](Connection& c, SteadyTime) { c.Gone(); });
      },
      options("http.connection_closed", Run::kInline)));

  // Whoever got a request accepted can always answer it: one answer for each request that counts,
  // as many that come too late, and some of other servers.
  ListenerOptions responses = options("http.response", Run::kQueued);
  responses.executor = &loop_;
  responses.queue.events_max = 2 * options_.requests_max + 1024;
  responses.queue.bytes_max = std::numeric_limits<std::size_t>::max() / 2;
  subscriptions_.push_back(dispatcher_.Subscribe(
      [this](const HttpResponse& response) {
        if (response.request.connection.server == server_id_) OnResponse(response);
      },
      std::move(responses)));

  for (const Subscription& subscription : subscriptions_) {
    if (!subscription.status().ok()) return subscription.status();
  }
  return absl::OkStatus();
}

void HttpServer::Impl::Stop() {
  subscriptions_.clear();
  for (auto& [number, entry] : connections_) loop_.Cancel(entry.timer);
  const std::size_t unanswered = Unanswered();
  for (Draining& drain : std::exchange(drains_, {})) {
    loop_.Cancel(drain.timer);
    drain.done.Finish(unanswered);
  }
  connections_.clear();
  tcp_.reset();
}

void HttpServer::Impl::OnOpened(const ConnectionOpened& opened, EventId id) {
  Entry entry;
  entry.connection =
      std::make_shared<Connection>(*this, options_, opened.connection, id, loop_.clock().Now());
  connections_.emplace(opened.connection.number, std::move(entry));
  ++open_;
  With(opened.connection.number, [this](Connection& c, SteadyTime now) {
    if (draining_) c.Drain(now);
  });
}

void HttpServer::Impl::OnResponse(const HttpResponse& response) {
  if (!loop_.in_loop_thread()) {  // a synchronous dispatcher runs it wherever it was published
    loop_.Post([self = weak_from_this(), response] {
      if (const auto alive = self.lock()) alive->OnResponse(response);
    });
    return;
  }
  With(response.request.connection.number,
       [&](Connection& c, SteadyTime now) { c.Answer(now, response); });
}

template <class F>
void HttpServer::Impl::With(std::uint64_t number, F f) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  // Writing may close it, and closing comes back here: the inner call may erase the entry.
  const std::shared_ptr<Connection> connection = found->second.connection;
  f(*connection, loop_.clock().Now());
  const auto again = connections_.find(number);
  if (again == connections_.end()) return;
  if (connection->gone() && std::exchange(again->second.open, false)) --open_;
  if (connection->finished()) {
    loop_.Cancel(again->second.timer);
    connections_.erase(again);
  } else {
    Arm(number, again->second);
  }
  if (draining_ && open_ == 0) EndDrains();
}

// A timer that is early finds nothing to do and is set anew, so a deadline that moves away, as it
// does with every request, costs nothing.
void HttpServer::Impl::Arm(std::uint64_t number, Entry& entry) {
  const std::optional<SteadyTime> deadline = entry.connection->deadline();
  if (!deadline || (entry.timer && entry.timer_at <= *deadline)) return;
  loop_.Cancel(entry.timer);
  entry.timer_at = *deadline;
  entry.timer = loop_.RunAfter(*deadline - loop_.clock().Now(), [this, number] {
    connections_.at(number).timer = {};
    With(number, [](Connection& c, SteadyTime now) { c.OnTime(now); });
  });
}

ConnectionServer::Intake HttpServer::Impl::Accept(HttpRequestReceived request, EventId opened) {
  if (requests_ >= options_.requests_max) return Intake::kTooMany;
  ++requests_;
  PublishOptions options;
  options.cause = Cause{};  // a story of its own
  options.links = {opened};
  if (dispatcher_.Publish(std::move(request), std::move(options)).ok()) return Intake::kAccepted;
  --requests_;
  return Intake::kRefused;
}

std::string_view HttpServer::Impl::Date() {
  const WallTime now = loop_.clock().WallNow();
  const std::int64_t second =
      std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = HttpDate(now);
  }
  return date_;
}

// On open connections: of the others nobody waits for one.
std::size_t HttpServer::Impl::Unanswered() const {
  std::size_t unanswered = 0;
  for (const auto& [number, entry] : connections_) {
    if (entry.open) unanswered += entry.connection->unanswered();
  }
  return unanswered;
}

void HttpServer::Impl::Drain(Nanoseconds limit, const Completion<std::size_t>& done) {
  draining_ = true;
  tcp_->StopAccepting();
  drains_.push_back({done, loop_.RunAfter(limit, [this, done] { done.Finish(Unanswered()); })});
  std::vector<std::uint64_t> numbers;  // closing one erases it
  for (const auto& [number, entry] : connections_) numbers.push_back(number);
  for (const std::uint64_t number : numbers) {
    With(number, [](Connection& c, SteadyTime now) { c.Drain(now); });
  }
  if (open_ == 0) EndDrains();
}

// Whoever is told may destroy the server, so not from within one of its connections.
void HttpServer::Impl::EndDrains() {
  for (Draining& drain : std::exchange(drains_, {})) {
    loop_.Cancel(drain.timer);
    loop_.Post([done = drain.done] { done.Finish(0); });
  }
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(EventLoop& loop,
                                                               Dispatcher& dispatcher,
                                                               HttpServerOptions options) {
  auto impl = std::make_shared<Impl>(loop, dispatcher, std::move(options));
  std::unique_ptr<HttpServer> server(new HttpServer(impl));
  if (absl::Status status = impl->Start(); !status.ok()) return status;
  return server;
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->Stop(); }
std::uint16_t HttpServer::port() const { return impl_->port(); }

Completion<std::size_t> HttpServer::Drain(Nanoseconds limit) {
  Completion<std::size_t> done;
  // Posted even on the loop's thread: the caller may be a listener, within a connection.
  impl_->loop().Post([self = std::weak_ptr<Impl>(impl_), limit, done] {
    if (const auto alive = self.lock()) {
      alive->Drain(limit, done);
    } else {
      done.Finish(0);
    }
  });
  return done;
}

}  // namespace belfry::http
