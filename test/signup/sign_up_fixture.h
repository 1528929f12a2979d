// The production wiring in a world: no socket, no thread, no disk, no time but what a test says.
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
#include "belfry/testing/fake_files.h"
#include "belfry/testing/world.h"
#include "signup/fakes.h"
#include "signup/wiring.h"

namespace signup {

inline std::string HeaderOf(const belfry::http::HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

// The sign-up as the program wires it, in a test's world.
class SignUpInWorld {
 public:
  explicit SignUpInWorld(belfry::testing::World& of_test, OpenSignUps::Limits limits = {})
      : world(of_test),
        wiring_(WireSignUp(world.dispatcher(), {.users = users,
                                                .files = files,
                                                .mailbox = mailbox,
                                                .welcome_template = "welcome.txt",
                                                .audit =
                                                    [this](std::string_view line) {
                                                      audit.push_back(
                                                          boost::json::parse(line).as_object());
                                                      return absl::OkStatus();
                                                    },
                                                .limits = limits})),
        answers_(world.dispatcher().Subscribe(
            [this](const belfry::http::HttpResponse& response) {
              const bool first = answered_.try_emplace(response.request.number, response).second;
              EXPECT_TRUE(first) << "request " << response.request.number << " was answered twice";
            },
            {.name = "answers"})) {
    files.Put("welcome.txt", "Hello {{name}}, you are {{id}} at {{email}}.");
  }

  // Sends a request and returns its number. Nothing happens before the world runs.
  std::uint64_t Send(std::string method, std::string target, std::string body = "") {
    belfry::http::HttpRequestReceived request;
    request.id = {{1, 1}, ++requests_};
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    EXPECT_TRUE(world.dispatcher().Publish(std::move(request), {.cause = belfry::Cause{}}));
    return requests_;
  }
  std::uint64_t SendSignUp(const std::string& email = "ada@example.org") {
    return Send("POST", "/signup", R"({"email": ")" + email + R"(", "name": "Ada"})");
  }

  // The same, and all that it causes but what needs time.
  std::uint64_t Ask(std::string method, std::string target, std::string body = "") {
    const std::uint64_t request = Send(std::move(method), std::move(target), std::move(body));
    world.Run();
    return request;
  }
  std::uint64_t AskForSignUp(const std::string& email = "ada@example.org") {
    const std::uint64_t request = SendSignUp(email);
    world.Run();
    return request;
  }

  bool Answered(std::uint64_t request) const { return answered_.contains(request); }
  belfry::http::HttpResponse AnswerOf(std::uint64_t request) const {
    const auto answer = answered_.find(request);
    if (answer != answered_.end()) return answer->second;
    ADD_FAILURE() << "request " << request << " was not answered";
    return {};
  }
  int StatusOf(std::uint64_t request) const { return AnswerOf(request).status; }
  // What an answer says: the field `name` of its JSON body.
  std::string Said(std::uint64_t request, std::string_view name) const {
    const boost::json::value body = boost::json::parse(AnswerOf(request).body);
    const boost::json::value* said = body.as_object().if_contains(name);
    return said == nullptr ? "" : std::string(said->as_string());
  }

  boost::json::value Stats() { return boost::json::parse(AnswerOf(Ask("GET", "/stats")).body); }

  std::vector<std::string> Mails() const {
    std::vector<std::string> mails;
    for (const auto& [path, text] : files.content()) {
      if (path.starts_with("mail/")) mails.push_back(text);
    }
    return mails;
  }

  belfry::testing::World& world;
  FakeUserStore users;
  belfry::testing::FakeFiles files{world};
  FakeMailbox mailbox{files};
  std::vector<boost::json::object> audit;

 private:
  std::uint64_t requests_ = 0;
  std::map<std::uint64_t, belfry::http::HttpResponse> answered_;
  std::vector<belfry::Subscription> wiring_;
  belfry::Subscription answers_;
};

struct WorldOfTest {
  belfry::testing::World world_of_test;
};

// With a world of its own.
class SignUpTest : public ::testing::Test, private WorldOfTest, protected SignUpInWorld {
 protected:
  explicit SignUpTest(OpenSignUps::Limits limits = {}) : SignUpInWorld(world_of_test, limits) {}

  void TearDown() override {
    EXPECT_EQ(Stats().at("pending_joins").to_number<int>(), 0) << "a sign-up left something behind";
  }
};

}  // namespace signup
