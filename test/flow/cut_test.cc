// Each kind of wait, and whatever may end it there: a story is cut at every point of its course, in
// every order of what else happens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "belfry/flow/all.h"
#include "belfry/flow/answer.h"
#include "belfry/flow/any.h"
#include "belfry/flow/ask.h"
#include "belfry/flow/event_stream.h"
#include "belfry/flow/expect.h"
#include "belfry/flow/for_each.h"
#include "belfry/flow/sleep.h"
#include "belfry/flow/stop.h"
#include "belfry/flow/task.h"
#include "belfry/flow/tasks.h"
#include "belfry/flow/timeout.h"
#include "belfry/flow/undo.h"
#include "belfry/flow/until.h"
#include "belfry/subscription_bag.h"
#include "belfry/testing/explore.h"
#include "belfry/testing/world.h"

namespace belfry {
namespace {

using namespace std::chrono_literals;
using testing::ExploreOptions;
using testing::ExploreReport;
using testing::World;

struct Begun {};
struct News {};
struct Question {
  using Answer = int;
};

// What a story needs, in one world.
struct Stage {
  explicit Stage(World& of_test)
      : world(of_test), dispatcher(of_test.dispatcher()), tasks(dispatcher) {
    listeners += dispatcher.Subscribe(
        [this](const News&) -> Task<> {
          const Frame frame(*this);
          co_await Sleep(1s);
        },
        {.name = "read_model"});
    listeners += Answer<Question>(dispatcher,
                                  [this](const Question&) -> Task<int> {
                                    const Frame frame(*this);
                                    co_await Sleep(1s);
                                    co_return 42;
                                  },
                                  {.name = "answerer"});
  }

  // A local of each coroutine's.
  class Frame {
   public:
    explicit Frame(Stage& stage) : stage_(stage) { ++stage_.frames; }
    ~Frame() { --stage_.frames; }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    Stage& stage_;
  };

  Task<> Sleeps() {
    const Frame frame(*this);
    co_await Sleep(1s);
  }
  Task<> Waits() {
    const Frame frame(*this);
    Completion<int> number;
    world.FinishLater("the number", [number] { number.Finish(1); });
    co_await number;
  }
  Task<> Deep(int depth) {
    const Frame frame(*this);
    if (depth > 0) co_await Deep(depth - 1);
    co_await Sleep(100ms);
  }
  Task<> Fails() {
    const Frame frame(*this);
    co_await Sleep(500ms);
    throw std::runtime_error("no luck");
  }
  // Something happens, later.
  void Later(std::function<void()> happens) {
    world.FinishLater("what happens", std::move(happens));
  }

  World& world;
  Dispatcher& dispatcher;
  Tasks tasks;
  SubscriptionBag listeners;
  int frames = 0;
};

struct Kind {
  const char* name;
  std::function<Task<>(Stage&)> wait;
};

Task<> Failing(Stage& stage) {
  bool failed = false;
  try {
    co_await All(stage.Fails(), stage.Sleeps(), stage.Waits());
  } catch (const std::runtime_error&) {
    failed = true;
  }
  if (failed) co_await stage.Sleeps();
}
Task<> Asking(Stage& stage) { co_await Ask(stage.dispatcher, Question{}, {.within = 10s}); }
// Not inside of the coroutine: g++ 12 takes the list of names for an array there.
Completion<UntilOutcome> Published(Stage& stage) {
  return PublishUntil(stage.dispatcher, News{}, {"read_model"}, {.within = 10s});
}
Task<> Publishing(Stage& stage) { co_await Published(stage); }
Task<> Expecting(Stage& stage) {
  auto news = Expect<News>(stage.dispatcher, {.within = 10s});
  stage.Later([&dispatcher = stage.dispatcher] { dispatcher.Publish(News{}); });
  co_await news.Get();
}
// Once the dispatcher is closed nothing comes any more.
Task<> Streaming(Stage& stage) {
  EventStream<News> news(stage.dispatcher);
  for (int i = 0; i < 2; ++i) {
    stage.Later([&dispatcher = stage.dispatcher] { dispatcher.Publish(News{}); });
    co_await Timeout(10s,
                     [](EventStream<News>& stream) -> Task<> { co_await stream.Next(); }(news));
  }
}
Task<> Stopping(Stage& stage) {
  std::stop_source source;
  stage.Later([source]() mutable { source.request_stop(); });
  co_await UnlessStopped(source.get_token(), stage.Sleeps());
}
Task<> Starting(Stage& stage) {
  const Completion<absl::Status> started = stage.tasks.Start(stage.Sleeps());
  static_cast<void>(co_await started);
}

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {
      {"Sleep", [](Stage& stage) { return stage.Sleeps(); }},
      {"Yield", [](Stage&) -> Task<> { co_await Yield(); }},
      {"Completion", [](Stage& stage) { return stage.Waits(); }},
      {"Tasks4Deep", [](Stage& stage) { return stage.Deep(3); }},
      {"All", [](Stage& stage) -> Task<> { co_await All(stage.Sleeps(), stage.Waits()); }},
      {"AllWithOneThatThrows", Failing},
      {"Any", [](Stage& stage) -> Task<> { co_await Any(stage.Sleeps(), stage.Waits()); }},
      {"Timeout", [](Stage& stage) -> Task<> { co_await Timeout(2s, stage.Waits()); }},
      {"ForEach",
       [](Stage& stage) {
         return ForEach(std::vector{1, 2, 3}, 2, [&stage](int) { return stage.Sleeps(); });
       }},
      {"Expect", Expecting},
      {"EventStream", Streaming},
      {"UnlessStopped", Stopping},
      {"Ask", Asking},
      {"PublishUntil", Publishing},
      {"Tasks", Starting},
  };
  return kinds;
}

struct Case {
  const Kind* kind;
  const char* cut;
};
void PrintTo(const Case& tried, std::ostream* out) { *out << tried.kind->name << tried.cut; }

constexpr const char* kNothing = "Nothing";
constexpr const char* kReset = "Reset";
constexpr const char* kDetach = "Detach";
constexpr const char* kDiscard = "Discard";
constexpr const char* kDrain = "Drain";
constexpr const char* kThrow = "Throw";

class CutTest : public ::testing::TestWithParam<Case> {
 protected:
  // The story has two waits of the kind. `cut` comes at any time.
  static void TryOnce(World& world, const Kind& kind, std::string_view cut) {
    Stage stage(world);
    int ended = 0;
    int undone = 0;
    const bool throws = cut == kThrow && world.ChooseFault();
    const bool goes_on = cut == kNothing || cut == kDetach || cut == kDrain;
    Subscription story = stage.dispatcher.Subscribe(
        [&](const Begun&) -> Task<> {
          const Stage::Frame frame(stage);
          Undo undo;
          undo.Add([&] { ++undone; });
          co_await kind.wait(stage);
          if (throws) throw std::runtime_error("on purpose");
          co_await kind.wait(stage);
          undo.Release();
          ++ended;
          if (cut == kThrow) throw std::runtime_error("on purpose, at the end");
        },
        {.name = "story"});
    stage.dispatcher.Publish(Begun{});
    if (cut == kReset) {
      world.FinishLater("the reset", [&] {
        EXPECT_EQ(story.Reset(), ResetResult::kDone);
        EXPECT_LE(ended + undone, 1);
      });
    } else if (cut == kDetach) {
      world.FinishLater("the detaching", [&] { story.Detach(); });
    } else if (cut == kDiscard) {
      world.FinishLater("the end", [&] {
        static_cast<void>(stage.dispatcher.Shutdown(ShutdownMode::kDiscard, Nanoseconds::zero()));
      });
    } else if (cut == kDrain) {
      world.FinishLater("the end", [&] {
        static_cast<void>(stage.dispatcher.Shutdown(ShutdownMode::kDrain, Nanoseconds::zero()));
      });
    }
    world.RunFor(1min);

    const bool begun = ended + undone != 0;
    EXPECT_EQ(stage.frames, 0) << "a frame was left";
    EXPECT_LE(ended + undone, 1) << "it ended, and was undone";
    if (cut == kNothing || cut == kThrow) {
      EXPECT_EQ(undone, throws ? 1 : 0);
      EXPECT_EQ(ended, throws ? 0 : 1);
    }
    if (begun && goes_on) {
      EXPECT_EQ(ended, 1) << "it was given up";
    }
  }
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const Kind& kind : Kinds()) {
    for (const char* cut : {kNothing, kReset, kDetach, kDiscard, kDrain, kThrow}) {
      cases.push_back({&kind, cut});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(EachWait, CutTest, ::testing::ValuesIn(Cases()),
                         ::testing::PrintToStringParamName());

TEST_P(CutTest, F1_X1_E1_S1_AStoryEndsOrIsUndoneAndNoFrameIsLeft) {
  const Case& tried = GetParam();
  ExploreOptions options;
  options.world.tolerated = {
      .failures = true, .losses = true, .dead_letters = true, .subscriptions = true};
  const ExploreReport report =
      Explore(options, [&](World& world) { TryOnce(world, *tried.kind, tried.cut); });
  EXPECT_EQ(report.reach, ExploreReport::Reach::kComplete) << report.Describe();
}

}  // namespace
}  // namespace belfry
