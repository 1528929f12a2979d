// What an adapter says once about all that it publishes: on every way that a publish may take it is
// in the envelope, and what listeners publish because of it has none of it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/interceptor.h"
#include "dispatch/mode_test.h"
#include "event/ambient.h"

namespace belfry {
namespace {

class ExtrasTest : public ModeTest {
 protected:
  struct Text {
    std::string text;
  };
  struct Bytes {
    int number = 0;
  };
  struct Child {};
  using Links = std::vector<EventId>;

  template <class E>
  Subscription Keep(Links& links, const ListenerOptions& options) {
    return dispatcher->Subscribe(
        [&links](const E&, Context& context) {
          const auto of_event = context.envelope().links();
          links.assign(of_event.begin(), of_event.end());
        },
        options);
  }
};

BELFRY_IN_EVERY_MODE(ExtrasTest);

TEST_P(ExtrasTest, AreThoseOfWhatIsPublishedInTheirScopeAlone) {
  const EventId opening = dispatcher->NewEventId();
  const auto extras = std::make_shared<const EnvelopeExtras>(EnvelopeExtras{.links = {opening}});
  Links text;
  Links bytes;
  Links child;
  const Subscription texts = Keep<Text>(text, Options());
  const Subscription numbers = Keep<Bytes>(bytes, Options());
  const Subscription children = Keep<Child>(child, Options());
  const Subscription parent =
      dispatcher->Subscribe([&](const Text&) { dispatcher->Publish(Child{}); }, Options());
  {
    const ExtrasScope scope(extras);
    EXPECT_TRUE(dispatcher->Publish(Text{"a"}));
    EXPECT_TRUE(dispatcher->Publish(Bytes{1}));
  }
  Settle();
  EXPECT_EQ(text, Links{opening});
  EXPECT_EQ(bytes, Links{opening});
  EXPECT_EQ(child, Links{});

  EXPECT_TRUE(dispatcher->Publish(Text{"b"}));
  EXPECT_TRUE(dispatcher->Publish(Bytes{2}));
  Settle();
  EXPECT_EQ(text, Links{});
  EXPECT_EQ(bytes, Links{});
}

TEST_P(ExtrasTest, ComeBehindWhatThePublishSaysItself) {
  const EventId opening = dispatcher->NewEventId();
  const EventId other = dispatcher->NewEventId();
  const auto extras = std::make_shared<const EnvelopeExtras>(
      EnvelopeExtras{.links = {opening}, .headers = {{"from", "adapter"}}});
  Links links;
  std::string header;
  const Subscription texts = Keep<Text>(links, Options());
  const Subscription headers = dispatcher->Subscribe(
      [&](const Text&, Context& context) { header = context.envelope().header("from"); },
      Options());
  {
    const ExtrasScope scope(extras);
    EXPECT_TRUE(dispatcher->Publish(Text{"a"}, {.links = {other}, .headers = {{"from", "me"}}}));
  }
  Settle();
  EXPECT_EQ(links, (Links{other, opening}));
  EXPECT_EQ(header, "me");
}

TEST_P(ExtrasTest, AreAmongTheOptionsThatAnInterceptorMayChange) {
  Make([](DispatcherOptions& options) {
    options.interceptors = {
        {.around_publish = [](const AnyEvent&, PublishOptions& said, PublishNext& next) {
          said.links.push_back(said.links.front());
          return next();
        }}};
  });
  const EventId opening = dispatcher->NewEventId();
  const auto extras = std::make_shared<const EnvelopeExtras>(EnvelopeExtras{.links = {opening}});
  Links links;
  const Subscription texts = Keep<Text>(links, Options());
  {
    const ExtrasScope scope(extras);
    EXPECT_TRUE(dispatcher->Publish(Text{"a"}));
  }
  Settle();
  EXPECT_EQ(links, (Links{opening, opening}));
}

}  // namespace
}  // namespace belfry
