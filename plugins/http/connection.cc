#include "connection.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "response_writer.h"

namespace belfry::http {
namespace {

std::string Seconds(Nanoseconds time) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  return milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s"
                                  : std::to_string(milliseconds) + " ms";
}

HttpResponse Overloaded(std::string_view text) {
  HttpResponse response = ErrorResponse(503, text);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

Connection::Connection(ConnectionServer& server, const HttpServerOptions& options, ConnectionId id,
                       EventId opened, SteadyTime now)
    : server_(server),
      options_(options),
      id_(id),
      opened_(opened),
      parser_({options.header_bytes_max, options.body_bytes_max}),
      idle_by_(now + options.idle_time_max) {}

void Connection::Receive(SteadyTime now, std::string_view bytes) {
  if (phase_ != Phase::kOpen || !accepting_) return;
  unread_.append(bytes);
  Parse(now);
}

void Connection::Parse(SteadyTime now) {
  std::size_t taken = 0;
  while (phase_ == Phase::kOpen && accepting_ && taken < unread_.size() &&
         pipeline_.size() < options_.pipelined_max) {
    const bool began_before = parser_.begun();
    taken += parser_.Feed(std::string_view(unread_).substr(taken));
    if (!began_before) request_by_ = now + options_.request_time_max;
    if (parser_.error().status != 0) {
      Fail(now, parser_.error());
    } else if (parser_.complete()) {
      Accept(now, parser_.Take());
    }
  }
  unread_.erase(0, taken);
  if (phase_ != Phase::kOpen || !accepting_) unread_.clear();
  Continue(now);
  UpdateReading();
}

void Connection::Accept(SteadyTime now, ParsedRequest parsed) {
  accepting_ = parsed.keep_alive && !draining_;
  Exchange& exchange = pipeline_.emplace_back();
  exchange.number = ++last_number_;
  exchange.head = parsed.method == "HEAD";
  exchange.keep_alive = accepting_;
  exchange.answer_by = now + options_.answer_time_max;
  const auto intake = server_.Accept({.id = {id_, exchange.number},
                                      .method = std::move(parsed.method),
                                      .target = std::move(parsed.target),
                                      .headers = std::move(parsed.headers),
                                      .body = std::move(parsed.body)},
                                     opened_);
  switch (intake) {
    case ConnectionServer::Intake::kAccepted:
      exchange.accepted = true;
      return;
    case ConnectionServer::Intake::kTooMany:
      Keep(exchange, Overloaded("requests_max, " + std::to_string(options_.requests_max) +
                                ", requests wait for their answers"));
      break;
    case ConnectionServer::Intake::kRefused:
      Keep(exchange, Overloaded("a queue is full"));
      break;
  }
  Flush(now);
}

void Connection::Fail(SteadyTime now, const RequestError& error) {
  accepting_ = false;
  Exchange& exchange = pipeline_.emplace_back();
  exchange.number = ++last_number_;
  exchange.head = parser_.is_head();
  exchange.keep_alive = false;
  Keep(exchange, ErrorResponse(error.status, error.text));
  Flush(now);
}

void Connection::Answer(SteadyTime now, const HttpResponse& response) {
  const auto found = std::find_if(
      pipeline_.begin(), pipeline_.end(),
      [&](const Exchange& exchange) { return exchange.number == response.request.number; });
  if (found == pipeline_.end() || found->answered) return;
  Settle(*found);
  if (phase_ != Phase::kOpen) return;
  Keep(*found, response);
  Flush(now);
  Parse(now);
}

// Stores the answer until those before it are sent.
void Connection::Keep(Exchange& exchange, const HttpResponse& response) {
  exchange.keep_alive = exchange.keep_alive && !AsksForClose(response) &&
                        !(draining_ && exchange.number == last_number_);
  exchange.answered = true;
  const ResponseForm form{exchange.head, exchange.keep_alive, server_.Date()};
  const std::optional<std::string> wrong = WhatIsWrong(response);
  exchange.answer = WriteResponse(wrong ? ErrorResponse(500, *wrong) : response, form);
}

void Connection::Settle(Exchange& exchange) {
  exchange.answered = true;
  if (std::exchange(exchange.accepted, false)) server_.Settled();
}

// Sends the answers whose turn it is.
void Connection::Flush(SteadyTime now) {
  std::string out;
  bool last = false;
  while (!last && !pipeline_.empty() && pipeline_.front().answered) {
    Exchange& exchange = pipeline_.front();
    last = !exchange.keep_alive;
    if (out.empty()) {
      out = std::move(exchange.answer);
    } else {
      out.append(exchange.answer);
    }
    pipeline_.pop_front();
  }
  if (out.empty()) return;
  idle_by_ = now + options_.idle_time_max;
  server_.Write(id_, std::move(out));
  if (phase_ == Phase::kOpen && (last || (!accepting_ && pipeline_.empty()))) BeginClose(now);
}

// Sends the 100 that a client waits for, in its turn.
void Connection::Continue(SteadyTime now) {
  if (phase_ != Phase::kOpen || !accepting_ || !unread_.empty() || !pipeline_.empty() ||
      !parser_.awaits_continue()) {
    return;
  }
  parser_.ContinueSent();
  request_by_ = now + options_.request_time_max;
  server_.Write(id_, "HTTP/1.1 100 Continue\r\n\r\n");
}

void Connection::UpdateReading() {
  if (phase_ != Phase::kOpen) return;
  const bool pause = accepting_ && pipeline_.size() >= options_.pipelined_max;
  if (pause == paused_) return;
  paused_ = pause;
  if (pause) {
    server_.PauseReading(id_);
  } else {
    server_.ResumeReading(id_);
  }
}

// Whoever does not read the last answers in time is cut off.
void Connection::BeginClose(SteadyTime now) {
  phase_ = Phase::kClosing;
  accepting_ = false;
  close_by_ = now + options_.idle_time_max;
  server_.Close(id_);
}

void Connection::Drain(SteadyTime now) {
  draining_ = true;
  if (phase_ != Phase::kOpen) return;
  if (!pipeline_.empty()) {
    accepting_ = false;
    unread_.clear();
  } else if (!parser_.begun()) {
    BeginClose(now);
  }
}

void Connection::Gone() { phase_ = Phase::kGone; }

void Connection::OnTime(SteadyTime now) {
  for (Exchange& exchange : pipeline_) {
    if (exchange.answered || exchange.answer_by > now) continue;
    Settle(exchange);
    if (phase_ != Phase::kOpen) continue;
    Keep(exchange,
         Overloaded("no answer within answer_time_max, " + Seconds(options_.answer_time_max)));
  }
  if (phase_ == Phase::kOpen) Flush(now);
  if (phase_ == Phase::kOpen && in_request() && request_by_ <= now) {
    Fail(now, {408, "the request did not come within request_time_max, " +
                        Seconds(options_.request_time_max)});
  }
  if (phase_ == Phase::kOpen) Parse(now);  // answers may have made room
  if (phase_ == Phase::kOpen && pipeline_.empty() && !parser_.begun() && idle_by_ <= now) {
    BeginClose(now);
  }
  if (phase_ == Phase::kClosing && close_by_ <= now) {
    server_.Abort(id_);
    Gone();
  }
}

// A request is on its way, and it is the client's turn.
bool Connection::in_request() const {
  const bool waits_for_us = parser_.awaits_continue() && !pipeline_.empty();
  return accepting_ && parser_.begun() && !waits_for_us;
}

std::size_t Connection::unanswered() const {
  return static_cast<std::size_t>(
      std::count_if(pipeline_.begin(), pipeline_.end(),
                    [](const Exchange& exchange) { return exchange.accepted; }));
}

std::optional<SteadyTime> Connection::deadline() const {
  std::optional<SteadyTime> first;
  const auto add = [&first](SteadyTime time) { first = first ? std::min(*first, time) : time; };
  const auto waiting = std::find_if(pipeline_.begin(), pipeline_.end(),
                                    [](const Exchange& exchange) { return !exchange.answered; });
  if (waiting != pipeline_.end()) add(waiting->answer_by);
  if (phase_ == Phase::kOpen && in_request()) add(request_by_);
  if (phase_ == Phase::kOpen && pipeline_.empty() && !parser_.begun()) add(idle_by_);
  if (phase_ == Phase::kClosing) add(close_by_);
  return first;
}

}  // namespace belfry::http
