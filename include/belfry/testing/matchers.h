// Matchers for what has happened, of worlds (world.h) and recorders (recorder.h).
//
//   EXPECT_THAT(world, Published<UserSignedUp>(Field("email", &UserSignedUp::email, "ada")));
//   EXPECT_THAT(world, Published([](const UserSignedUp& user) { return user.email == "ada"; }));
//   EXPECT_THAT(world, Handled<UserSignedUp>().By("mail.welcome").After("audit"));
//   EXPECT_THAT(world, NotCalled("mail.sorry"));
//   world.Expect(NotPublished<SignUpFailed>());  // the same, with a shorter text when it fails
#pragma once

#include <gmock/gmock.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/export.h"
#include "belfry/listener_signature.h"
#include "belfry/testing/event_pattern.h"
#include "belfry/testing/expectation.h"

namespace belfry::testing {

// An inner matcher is one of GoogleMock's, for the event: Field("email", ...), AllOf(...), or a
// callable for (const E&) that returns bool; left out, every event of the type will do. What was
// published before the record was cleared, or was refused, does not count as published.
//
// All of these see the record as it is when they are asked: of a recorder on several threads, await
// something first. In a world none of them matches that names a listener which there never was,
// since the name may be misspelled. So rather than Not(...) write NotCalled(...), or Times(0).

// An event like this was published once; or Published(...).Times(n), .AtLeast(n).
template <class E, class M = decltype(::testing::_)>
PublishedExpectation Published(const M& inner = ::testing::_) {
  return {EventPattern::Of<E>(inner), {1, 1}};
}
template <class F>
requires requires { typename EventOfListener<F>; }
PublishedExpectation Published(const F& inner) { return Published<EventOfListener<F>>(inner); }

template <class E, class M = decltype(::testing::_)>
PublishedExpectation NotPublished(const M& inner = ::testing::_) {
  return Published<E>(inner).Times(0);
}
template <class F>
requires requires { typename EventOfListener<F>; }
PublishedExpectation NotPublished(const F& inner) {
  return Published<EventOfListener<F>>(inner).Times(0);
}

// Each of them, one after the other, Times(n) and AtLeast(n) so often; with others in between.
//   EXPECT_THAT(world, PublishedInOrder(Published<SignUpRequested>(), Published<UserSignedUp>()));
BELFRY_EXPORT Expectation InOrder(const std::vector<PublishedExpectation>& all);
template <class... P>
Expectation PublishedInOrder(const P&... all) {
  return InOrder({all...});
}
// Each of them, by an event of its own; beside others.
BELFRY_EXPORT Expectation InAnyOrder(const std::vector<PublishedExpectation>& all);
template <class... P>
Expectation PublishedInAnyOrder(const P&... all) {
  return InAnyOrder({all...});
}

// A listener has handled it; see HandledExpectation for By, After, CausedBy, Times and AtLeast.
template <class E, class M = decltype(::testing::_)>
HandledExpectation Handled(const M& inner = ::testing::_) {
  return HandledExpectation({.pattern = EventPattern::Of<E>(inner)});
}

// An event like this was published, and nobody listens to it.
BELFRY_EXPORT Expectation OrphanLike(EventPattern pattern);
template <class E, class M = decltype(::testing::_)>
Expectation Orphan(const M& inner = ::testing::_) {
  return OrphanLike(EventPattern::Of<E>(inner));
}
// An event of this type was refused.
BELFRY_EXPORT Expectation RefusedType(EventType type);
template <class E>
Expectation Refused() {
  return RefusedType(EventTypeOf<E>());
}

using TextMatcher = ::testing::Matcher<const std::string&>;

// No listener of that name was called: deliveries that its filter, Mute or Fake held back are none.
BELFRY_EXPORT Expectation NotCalled(std::string_view listener);
// A delivery to it has failed for good; `what`: the exception's text, or the status. A dead letter
// that it leaves is expected then as well.
BELFRY_EXPORT Expectation Failed(std::string_view listener, const TextMatcher& what = ::testing::_);
// The same, and the dispatcher keeps it. Of worlds only.
BELFRY_EXPORT Expectation DeadLettered(std::string_view listener,
                                       const TextMatcher& what = ::testing::_);
// A delivery to it was tried again so often, whatever became of it.
BELFRY_EXPORT Expectation Retried(std::string_view listener, unsigned times);
// It lost an event, since its queue was full. The library's own event has the same name: where both
// are seen, write belfry::testing::Dropped.
BELFRY_EXPORT Expectation Dropped(std::string_view listener);
// An event came too late for it: its deadline had passed.
BELFRY_EXPORT Expectation TimedOut(std::string_view listener);

// Every event that was published has been named by an expectation before, one that matched.
BELFRY_EXPORT Expectation NothingElse();

}  // namespace belfry::testing
