// Requests that cannot be granted: refused with the reason, and nothing has happened.

#include <string>
#include <tuple>

#include "gmock/gmock.h"

#include "signup/sign_up_fixture.h"

namespace signup {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct BadRequest {
  std::string body;
  std::string reason;
};

class BadRequestTest : public SignUpFixture,
                       public ::testing::WithParamInterface<std::tuple<Flow, BadRequest>> {
 protected:
  BadRequestTest() : SignUpFixture(std::get<Flow>(GetParam())) {}
};

TEST_P(BadRequestTest, IsA400ThatSaysWhy) {
  const auto& [body, reason] = std::get<BadRequest>(GetParam());
  const auto request = Ask("POST", "/signup", body);
  EXPECT_EQ(StatusOf(request), 400);
  EXPECT_THAT(Said(request, "error"), HasSubstr(reason));
  EXPECT_THAT(users.rows, SizeIs(0));
  EXPECT_THAT(files.writes(), SizeIs(0));
}

std::string Body(const std::string& email, const std::string& name) {
  return boost::json::serialize(boost::json::object{{"email", email}, {"name", name}});
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, BadRequestTest,
    ::testing::Combine(
        ::testing::ValuesIn(kBothFlows),
        ::testing::Values(
            BadRequest{"", "not JSON"}, BadRequest{"{", "not JSON"},
            BadRequest{"{\"email\": \"a@b\xff\", \"name\": \"x\"}", "not JSON"},
            BadRequest{std::string(100, '['), "not JSON"}, BadRequest{"[]", "not a JSON object"},
            BadRequest{R"({"name": "Ada"})", "email is missing"},
            BadRequest{R"({"email": "ada@example.org"})", "name is missing"},
            BadRequest{R"({"email": 7, "name": "Ada"})", "email is not a text"},
            BadRequest{R"({"email": "ada@example.org", "name": null})", "name is not a text"},
            BadRequest{Body("", "Ada"), "email is empty"},
            BadRequest{Body("ada", "Ada"), "email has no @"},
            BadRequest{Body("@example.org", "Ada"), "email is not an address"},
            BadRequest{Body("ada@", "Ada"), "email is not an address"},
            BadRequest{Body("ada@b@example.org", "Ada"), "email is not an address"},
            BadRequest{Body("a..da@example.org", "Ada"), "email is not an address"},
            BadRequest{Body("ada <ada@example.org>", "Ada"), "email is not an address"},
            BadRequest{Body("ada@example.org\r\nBcc: all@example.org", "Ada"),
                       "email is not an address"},
            BadRequest{Body("ada@example.org\n", "Ada"), "email is not an address"},
            BadRequest{Body("ada@example.org,bob@example.org", "Ada"), "email is not an address"},
            BadRequest{Body(std::string(250, 'a') + "@b.org", "Ada"), "email is longer than 254"},
            BadRequest{Body("ada@example.org", ""), "name is empty"},
            BadRequest{Body("ada@example.org", "   "), "name is empty"},
            BadRequest{Body("ada@example.org", std::string(101, 'a')), "name is longer than 100"},
            BadRequest{Body("ada@example.org", "Ada\r\nBcc: all@example.org"), "line break"},
            BadRequest{Body("ada@example.org", "Ada\nx"), "line break"},
            BadRequest{Body("ada@example.org", std::string("A\0da", 4)), "control character"})));

using HttpTest = SignUpTest;
INSTANTIATE_TEST_SUITE_P(Flows, HttpTest, ::testing::ValuesIn(kBothFlows), NameOfParam);

TEST_P(HttpTest, OtherAddressesAndMethodsAreRefusedByName) {
  EXPECT_EQ(StatusOf(Ask("GET", "/")), 404);
  EXPECT_EQ(StatusOf(Ask("POST", "/signup/more")), 404);
  const auto get = Ask("GET", "/signup");
  EXPECT_EQ(StatusOf(get), 405);
  EXPECT_EQ(HeaderOf(AnswerOf(get), "Allow"), "POST");
  EXPECT_EQ(StatusOf(Ask("DELETE", "/stats")), 405);
}

TEST_P(HttpTest, AQueryChangesNothing) {
  EXPECT_EQ(StatusOf(Ask("GET", "/health?verbose=1")), 200);
}

TEST_P(HttpTest, StatsCountSignUpsAndFailuresByKind) {
  AskForSignUp("ada@example.org");
  AskForSignUp("bob@example.org");
  AskForSignUp("bob@example.org");
  Ask("POST", "/signup", "nonsense");
  const auto stats = Stats();
  EXPECT_EQ(stats.at("sign_ups").to_number<int>(), 2);
  EXPECT_EQ(stats.at("failed"),
            (boost::json::object{{"invalid", 1}, {"duplicate", 1}, {"unavailable", 0}}));
  EXPECT_GT(stats.at("dispatcher").at("handled").to_number<int>(), 0);
  EXPECT_EQ(stats.at("dispatcher").at("dead").to_number<int>(), 0);
}

}  // namespace
}  // namespace signup
