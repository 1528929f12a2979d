#include "signup/http_face.h"

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include <boost/json.hpp>

#include "belfry/dispatcher.h"

namespace signup {
namespace {

namespace json = boost::json;

using belfry::Context;
using belfry::http::HttpRequestReceived;
using belfry::http::HttpResponse;

HttpResponse Json(int status, const json::object& body) {
  HttpResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = json::serialize(body) + "\n";
  return response;
}

HttpResponse Error(int status, std::string_view what) { return Json(status, {{"error", what}}); }

HttpResponse Unavailable(std::string_view what) {
  HttpResponse response = Error(503, what);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse NotAllowed(std::string_view allowed) {
  HttpResponse response = Error(405, std::string("only ").append(allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

absl::StatusOr<std::string> TextField(const json::object& body, std::string_view field) {
  const std::string name(field);
  const json::value* value = body.if_contains(field);
  if (value == nullptr) return absl::InvalidArgumentError(name + " is missing");
  if (!value->is_string()) return absl::InvalidArgumentError(name + " is not a text");
  return std::string(value->get_string());
}

absl::StatusOr<SignUpRequested> ParseSignUp(std::string_view body) {
  json::error_code error;
  const json::value value = json::parse(body, error);
  if (error) return absl::InvalidArgumentError("the body is not JSON: " + error.message());
  const json::object* fields = value.if_object();
  if (fields == nullptr) return absl::InvalidArgumentError("the body is not a JSON object");
  absl::StatusOr<std::string> email = TextField(*fields, "email");
  if (!email.ok()) return email.status();
  absl::StatusOr<std::string> name = TextField(*fields, "name");
  if (!name.ok()) return name.status();
  return SignUpRequested{*std::move(email), *std::move(name)};
}

json::object ToJson(const belfry::Stats& stats) {
  std::uint64_t published = 0;
  std::uint64_t refused = 0;
  std::uint64_t orphaned = 0;
  belfry::DeliveryCounts all;
  for (const belfry::TypeStats& type : stats.types) {
    published += type.published;
    refused += type.refused;
    orphaned += type.orphaned;
    all += type.deliveries;
  }
  return {{"published", published}, {"refused", refused},         {"orphaned", orphaned},
          {"offered", all.offered}, {"handled", all.handled},     {"dead", all.dead},
          {"dropped", all.dropped}, {"coalesced", all.coalesced}, {"cancelled", all.cancelled},
          {"queued", all.queued},   {"running", all.running}};
}

}  // namespace

absl::Status HttpFace::Route(const HttpRequestReceived& request, Context& context) {
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  if (path == "/signup" && request.method == "POST") return SignUp(request, context);
  HttpResponse response = Respond(request.method, path, context);
  response.request = request.id;
  return context.dispatcher().Publish(std::move(response)).status();
}

absl::Status HttpFace::Answer(const UserSignedUp& user, Context& context) {
  return AnswerWaiting(Json(201, {{"id", user.id}}), context);
}

absl::Status HttpFace::Answer(const SignUpFailed& failed, Context& context) {
  switch (failed.kind) {
    case SignUpFailed::Kind::kInvalid:
      return AnswerWaiting(Error(400, failed.reason), context);
    case SignUpFailed::Kind::kDuplicate:
      return AnswerWaiting(Error(409, failed.reason), context);
    case SignUpFailed::Kind::kUnavailable:
      break;
  }
  return AnswerWaiting(Unavailable(failed.reason), context);
}

absl::Status HttpFace::SignUp(const HttpRequestReceived& request, Context& context) {
  {
    const std::lock_guard lock(mutex_);
    waiting_[context.envelope().correlation_id()] = request.id;
    // The server never has so many requests open: the oldest was answered by its own time limit.
    if (waiting_.size() > kWaitingMax) waiting_.erase(waiting_.begin());
  }
  absl::StatusOr<SignUpRequested> parsed = ParseSignUp(request.body);
  const belfry::PublishResult published =
      parsed.ok() ? context.dispatcher().Publish(*std::move(parsed))
                  : context.dispatcher().Publish(SignUpFailed{
                        SignUpFailed::Kind::kInvalid, std::string(parsed.status().message()), ""});
  if (published.ok()) return absl::OkStatus();
  return AnswerWaiting(Unavailable("too much to do at the moment"), context);
}

HttpResponse HttpFace::Respond(std::string_view method, std::string_view path,
                               const Context& context) const {
  if (path == "/signup") return NotAllowed("POST");
  if (path != "/stats" && path != "/health") return Error(404, "no such address");
  if (method != "GET") return NotAllowed("GET");
  if (path == "/health") return Json(200, {{"status", "ok"}});
  return Json(200, {{"sign_ups", counters_.sign_ups()},
                    {"failed",
                     {{"invalid", counters_.invalid()},
                      {"duplicate", counters_.duplicate()},
                      {"unavailable", counters_.unavailable()}}},
                    {"under_way", open_.size()},
                    {"dispatcher", ToJson(context.dispatcher().GetStats())}});
}

absl::Status HttpFace::AnswerWaiting(HttpResponse response, Context& context) {
  {
    const std::lock_guard lock(mutex_);
    const auto waiting = waiting_.find(context.envelope().correlation_id());
    if (waiting == waiting_.end()) return absl::OkStatus();  // nobody asked: it was resumed
    response.request = waiting->second;
    waiting_.erase(waiting);
  }
  return context.dispatcher().Publish(std::move(response)).status();
}

}  // namespace signup
