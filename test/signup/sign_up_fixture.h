// The production wiring on a synchronous dispatcher: no socket, no thread, no disk, no time.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "belfry/dispatcher.h"
#include "belfry/http/http_server.h"
#include "signup/fakes.h"
#include "signup/wiring.h"

namespace signup {

inline std::string HeaderOf(const belfry::http::HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

class SignUpTest : public ::testing::Test {
 protected:
  explicit SignUpTest(OpenSignUps::Limits limits = {})
      : wiring_(WireSignUp(dispatcher, {.users = users,
                                        .files = files,
                                        .mailbox = mailbox,
                                        .welcome_template = "welcome.txt",
                                        .audit =
                                            [this](std::string_view line) {
                                              audit.push_back(boost::json::parse(line).as_object());
                                              return absl::OkStatus();
                                            },
                                        .limits = limits})),
        answers_(dispatcher.Subscribe([this](const belfry::http::HttpResponse& response) {
          const bool first = answered_.try_emplace(response.request.number, response).second;
          EXPECT_TRUE(first) << "request " << response.request.number << " was answered twice";
        })) {
    files.content["welcome.txt"] = "Hello {{name}}, you are {{id}} at {{email}}.";
  }

  void TearDown() override {
    EXPECT_EQ(PendingJoins(), 0) << "a sign-up left something behind";
    for (const belfry::TypeStats& type : dispatcher.GetStats().types) {
      EXPECT_TRUE(type.deliveries.balanced()) << type.event_type.name();
    }
  }

  // Sends a request and returns its number.
  std::uint64_t Send(std::string method, std::string target, std::string body = "") {
    belfry::http::HttpRequestReceived request;
    request.id = {{1, 1}, ++requests_};
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    EXPECT_TRUE(dispatcher.Publish(std::move(request), {.cause = belfry::Cause{}}));
    return requests_;
  }
  std::uint64_t SendSignUp(const std::string& email = "ada@example.org") {
    return Send("POST", "/signup", R"({"email": ")" + email + R"(", "name": "Ada"})");
  }

  bool Answered(std::uint64_t request) const { return answered_.contains(request); }
  belfry::http::HttpResponse AnswerOf(std::uint64_t request) const {
    const auto answer = answered_.find(request);
    if (answer != answered_.end()) return answer->second;
    ADD_FAILURE() << "request " << request << " was not answered";
    return {};
  }
  // What an answer says: the field `name` of its JSON body.
  std::string Said(std::uint64_t request, std::string_view name) const {
    const boost::json::value body = boost::json::parse(AnswerOf(request).body);
    const boost::json::value* said = body.as_object().if_contains(name);
    return said == nullptr ? "" : std::string(said->as_string());
  }

  std::int64_t PendingJoins() {
    return boost::json::parse(AnswerOf(Send("GET", "/stats")).body)
        .at("pending_joins")
        .to_number<std::int64_t>();
  }

  std::vector<std::string> Mails() const {
    std::vector<std::string> mails;
    for (const auto& [path, text] : files.content) {
      if (path.starts_with("mail/")) mails.push_back(text);
    }
    return mails;
  }

  belfry::ManualClock clock;
  belfry::Dispatcher dispatcher{{.synchronous = true, .clock = &clock, .log = [](auto, auto) {}}};
  FakeUserStore users;
  FakeFiles files{dispatcher};
  FakeMailbox mailbox{files};
  std::vector<boost::json::object> audit;

 private:
  std::uint64_t requests_ = 0;
  std::map<std::uint64_t, belfry::http::HttpResponse> answered_;
  std::vector<belfry::Subscription> wiring_;
  belfry::Subscription answers_;
};

}  // namespace signup
