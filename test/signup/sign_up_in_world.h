// The production wiring in a world: no socket, no thread, no disk, no time but what a test says.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
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
#include "signup/flow.h"
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
  SignUpInWorld(belfry::testing::World& of_test, Flow flow, OpenSignUps::Limits limits = {})
      : world(of_test),
        users(of_test),
        wiring_(WireSignUp(world.dispatcher(),
                           {.users = users,
                            .files = files,
                            .mailbox = mailbox,
                            .welcome_template = "welcome.txt",
                            .audit =
                                [this](std::string_view line) {
                                  audit.push_back(boost::json::parse(line).as_object());
                                  return absl::OkStatus();
                                },
                            .limits = limits},
                           flow)),
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

  // Who has a row has a mail, one, and the other way round; but for rows that a test has put there.
  void ExpectRowsAndMailsBelongTogether() const {
    std::map<std::string, int> mails;  // by the user's id
    for (const auto& [path, text] : files.content()) {
      if (!path.starts_with("mail/")) continue;
      const std::size_t id = path.find("welcome.") + 8;
      ++mails[path.substr(id, path.find(':') - id)];
    }
    for (const auto& [email, row] : users.rows) {
      const int of_row = mails[row.id];
      mails.erase(row.id);
      if (row.active || users.made(row.id)) {
        EXPECT_EQ(of_row, 1) << email << (row.active ? ", active" : ", pending");
      }
    }
    for (const auto& [id, count] : mails) ADD_FAILURE() << id << " has a mail and no row";
  }

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
  Wiring wiring_;
  belfry::Subscription answers_;
};

}  // namespace signup
