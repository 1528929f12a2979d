// Queries, and how to wait for their replies in every mode.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/flow/answer.h"
#include "belfry/flow/ask.h"
#include "dispatch/timed_test.h"

namespace belfry {

struct User {
  std::string name{};
};
struct FindUser {
  using Answer = User;
  std::string email{};
};
struct RemoveUser {
  using Answer = void;
  std::string email{};
};

class AskTest : public TimedTest {
 protected:
  // Of what has been settled.
  template <class T>
  const T& Settled(const Completion<T>& told) {
    if (threaded()) {
      EXPECT_TRUE(told.WaitFor(kPatience));
    } else {
      Settle();
    }
    return told.value();
  }

  Subscription AnswerAda(ListenerOptions options) {
    return Answer(
        *dispatcher, [](const FindUser&) { return User{"Ada"}; }, std::move(options));
  }
  Completion<Reply<User>> AskForAda(AskOptions options = {}) {
    return Ask(*dispatcher, FindUser{"ada@example.org"}, std::move(options));
  }
};

}  // namespace belfry
