// What the world sees: three addresses, JSON in and out.
//
//   POST /signup  {"email": "ada@example.org", "name": "Ada"}
//     201 {"id": "..."}      400, 409, 503 {"error": "..."}
//   GET /stats               counters
//   GET /health              {"status": "ok"}
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string_view>

#include "absl/status/status.h"

#include "belfry/context.h"
#include "belfry/http/http_server.h"
#include "signup/counters.h"
#include "signup/events.h"
#include "signup/open_sign_ups.h"

namespace signup {

// The listeners between HTTP and the sign-up, which knows nothing of HTTP.
//
// Thread safety: any thread.
// Errors: what a listener returns as an error is an answer that could not be published; the HTTP
// server's own time limit answers then.
class HttpFace {
 public:
  HttpFace(const OpenSignUps& open, const Counters& counters) : open_(open), counters_(counters) {}

  // → SignUpRequested, or SignUpFailed, or HttpResponse
  absl::Status Route(const belfry::http::HttpRequestReceived& request, belfry::Context& context);

  // → HttpResponse, if somebody waits for one
  absl::Status Answer(const UserSignedUp& user, belfry::Context& context);
  absl::Status Answer(const SignUpFailed& failed, belfry::Context& context);

 private:
  absl::Status SignUp(const belfry::http::HttpRequestReceived& request, belfry::Context& context);
  belfry::http::HttpResponse Respond(std::string_view method, std::string_view path,
                                     const belfry::Context& context) const;
  absl::Status AnswerWaiting(belfry::http::HttpResponse response, belfry::Context& context);

  static constexpr std::size_t kWaitingMax = 4096;

  const OpenSignUps& open_;
  const Counters& counters_;
  std::mutex mutex_;
  std::map<belfry::EventId, belfry::http::RequestId> waiting_;  // by story
};

}  // namespace signup
