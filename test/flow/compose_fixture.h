// Events of a sign-up, a shop and a watchdog, and a dispatcher whose time stands still.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "belfry/flow/compose.h"
#include "belfry/flow_events.h"
#include "belfry/library_events.h"
#include "dispatch/timed_test.h"

namespace belfry {

struct UserStored {
  int user = 0;
  std::string email{};
};
struct TemplateRead {
  int user = 0;
};
struct MailAccepted {
  int user = 0;
};
struct UserSignedUp {
  int user = 0;
  std::string email{};
};
struct SignUpFailed {
  int user = 0;
  std::string missing{};
};
struct Begun {
  int user = 0;
};

// Keeps what is published of one type, and what its envelopes say.
template <class E>
class Collected {
 public:
  explicit Collected(Dispatcher& dispatcher)
      : subscription_(dispatcher.Subscribe<E>([this](const E& event, Context& context) {
          const Envelope& envelope = context.envelope();
          const std::lock_guard lock(mutex_);
          events_.push_back(event);
          causes_.push_back({envelope.correlation_id(), envelope.causation_id()});
          links_.emplace_back(envelope.links().begin(), envelope.links().end());
          baggage_.emplace_back(envelope.baggage("tenant"));
        })) {}

  std::vector<E> events() const { return Copy(events_); }
  std::size_t size() const { return events().size(); }
  E at(std::size_t i) const { return events().at(i); }
  Cause cause(std::size_t i) const { return Copy(causes_).at(i); }
  std::vector<EventId> links(std::size_t i) const { return Copy(links_).at(i); }
  std::string baggage(std::size_t i) const { return Copy(baggage_).at(i); }

 private:
  template <class T>
  T Copy(const T& all) const {
    const std::lock_guard lock(mutex_);
    return all;
  }

  mutable std::mutex mutex_;
  std::vector<E> events_;
  std::vector<Cause> causes_;
  std::vector<std::vector<EventId>> links_;
  std::vector<std::string> baggage_;
  Subscription subscription_;
};

class ComposeTest : public TimedTest {
 protected:
  static constexpr auto kByUser = [](const auto& part) { return part.user; };

  // Of three parts, by user, in five seconds.
  auto SignUp(CompositionOptions options = {.name = "signup"}) {
    return Compose<UserSignedUp>(*dispatcher, std::move(options))
        .AllOf<UserStored, TemplateRead, MailAccepted>()
        .By(kByUser)
        .Within(std::chrono::seconds(5))
        .Emit([](const UserStored& stored, const TemplateRead& /*read*/,
                 const MailAccepted& /*accepted*/) {
          return UserSignedUp{stored.user, stored.email};
        });
  }

  template <class... E>
  void Publish(E... event) {
    (static_cast<void>(dispatcher->Publish(std::move(event))), ...);
    Settle();
  }

  void Advance(Nanoseconds by) {
    timers.Advance(by);
    Settle();
  }
};

inline void ExpectStatsBalanced(const CompositionStats& s) {
  EXPECT_EQ(s.opened, s.completed + s.timed_out + s.given_up + s.lapsed + s.evicted + s.failed +
                          s.cancelled + s.open);
}

}  // namespace belfry
