// Answerers that are coroutines.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "absl/status/statusor.h"

#include "belfry/flow/answer.h"
#include "belfry/flow/ask.h"
#include "belfry/flow/sleep.h"
#include "flow/task_fixture.h"

namespace belfry {
namespace {

struct NameOf {
  using Answer = std::string;
  int id = 0;
};
struct GreetingOf {
  using Answer = std::string;
  int id = 0;
};
struct Forget {
  using Answer = void;
};

class AnswerTaskTest : public TaskTest {
 protected:
  Subscription Names() {
    return Answer(
        *dispatcher,
        [this](const NameOf& query) -> Task<absl::StatusOr<std::string>> {
          const Local local(*this);
          const int id = query.id;
          co_await Yield();
          if (id == 0) co_return absl::NotFoundError("nobody has that id");
          if (id < 0) throw std::runtime_error("it broke");
          co_return "user " + std::to_string(id);
        },
        Options("names"));
  }
};

BELFRY_IN_TASK_MODES(AnswerTaskTest);

TEST_P(AnswerTaskTest, TheReplyIsWhatItReturnsOrThrows) {
  const Subscription names = Names();
  const auto found = Ask(*dispatcher, NameOf{7});
  const auto missing = Ask(*dispatcher, NameOf{0});
  const auto broken = Ask(*dispatcher, NameOf{-1});
  Settle();
  EXPECT_EQ(*found.value(), "user 7");
  EXPECT_EQ(missing.value().code(), ReplyCode::kFailed);
  EXPECT_NE(std::string(missing.value().status().message()).find("nobody has"), std::string::npos);
  EXPECT_EQ(broken.value().code(), ReplyCode::kFailed);
}

TEST_P(AnswerTaskTest, ATaskAsksAndAnswers) {
  const Subscription names = Names();
  const Subscription greetings = Answer(
      *dispatcher,
      [this](const GreetingOf& query) -> Task<Reply<std::string>> {
        const Local local(*this);
        const Reply<std::string> name = co_await Ask(*dispatcher, NameOf{query.id});
        if (!name.ok()) co_return name;
        Note("greets " + *name);
        co_return name;
      },
      Options("greetings"));
  const auto greeted = Ask(*dispatcher, GreetingOf{7});
  const auto nobody = Ask(*dispatcher, GreetingOf{0});
  Settle();
  EXPECT_EQ(*greeted.value(), "user 7");
  EXPECT_FALSE(nobody.value().ok());
  EXPECT_EQ(notes(), Notes{"greets user 7"});
}

TEST_P(AnswerTaskTest, ACommandIsDoneWhenItsTaskHasEnded) {
  const Subscription forgets = Answer(
      *dispatcher,
      [this](const Forget&) -> Task<> {
        const Local local(*this);
        Note("forgets");
        co_await Sleep(1s);
      },
      Options("forgets"));
  const auto forgotten = Ask(*dispatcher, Forget{});
  ASSERT_TRUE(Noted(1));
  ASSERT_TRUE(Eventually([&] { return armed(); }));
  EXPECT_FALSE(forgotten.finished());
  Pass(1s);
  Settle();
  EXPECT_TRUE(forgotten.value().ok());
}

TEST_P(AnswerTaskTest, OneThatIsResetCancels) {
  std::optional<Subscription> forgets = Answer(
      *dispatcher,
      [this](const Forget&) -> Task<> {
        const Local local(*this);
        Note("forgets");
        co_await Sleep(1h);
      },
      Options("forgets"));
  const auto forgotten = Ask(*dispatcher, Forget{});
  ASSERT_TRUE(Noted(1));
  forgets.reset();
  Settle();
  EXPECT_EQ(forgotten.value().code(), ReplyCode::kCancelled);
}

}  // namespace
}  // namespace belfry
