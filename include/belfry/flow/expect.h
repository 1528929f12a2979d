// Tasks that wait for an event.
//
//   auto mail = belfry::Expect<MailAccepted>(dispatcher, {.within = std::chrono::seconds(5)});
//   dispatcher.Publish(MailWanted{"ada@example.org"});
//   if (const std::optional<MailAccepted> accepted = co_await mail.Get()) Note(accepted->path);
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "belfry/ambient_context.h"
#include "belfry/completion.h"
#include "belfry/dispatcher.h"
#include "belfry/flow/task.h"
#include "belfry/flow/timeout.h"
#include "belfry/site.h"

namespace belfry {

template <class E>
struct ExpectOptions {
  // Which event. What it throws is a failure of the listener that expects.
  std::function<bool(const E&)> filter{};
  Nanoseconds within{};          // from Expect on; zero: for as long as it takes
  bool same_correlation = true;  // only events of the story in which it is expected
};

// The first event that fits, since Expect was called: one that comes before anybody awaits it is
// not lost. It listens inline, so that event is copied on its publisher's thread.
//
// Lifetime: it may end before the event has come.
// Thread safety: its task's.
template <class E>
class [[nodiscard]] Expected {
 public:
  Expected(Dispatcher& dispatcher, ExpectOptions<E> options, Site site)
      : site_(site), clock_(dispatcher.clock()), within_(options.within) {
    if (within_ > Nanoseconds::zero()) deadline_ = TimeAfter(clock_.Now(), within_);
    std::optional<EventId> story;
    if (options.same_correlation) story = Cause::Current().correlation;
    subscription_ = dispatcher.Subscribe(
        [first = first_, filter = std::move(options.filter), story](const E& event,
                                                                    Context& context) {
          if (story.has_value() && context.envelope().correlation_id() != *story) return;
          if (!filter || filter(event)) first.Finish(event);
        },
        {.name = "expect", .run = Run::kInline}, site);
  }

  // Whether Get would wait.
  bool came() const { return first_.finished(); }
  // Nothing when it has not come in time.
  Task<std::optional<E>> Get() {
    if (first_.finished() || within_ <= Nanoseconds::zero()) co_return co_await First();
    co_return co_await Timeout(deadline_ - clock_.Now(), First(), site_);
  }

 private:
  using FirstWait = TaskAwaitable<CompletionWait<E>, Completion<E>, Site, std::string_view>;
  Task<E> First() { co_return co_await FirstWait(first_, site_, EventTypeOf<E>().name()); }

  const Site site_;
  const Clock& clock_;
  const Nanoseconds within_;
  SteadyTime deadline_{};
  const Completion<E> first_;
  Subscription subscription_;
};

// Inside a delivery, unless `same_correlation` is false: outside of all there is no story.
// Errors: throws std::bad_alloc.
template <class E>
Expected<E> Expect(Dispatcher& dispatcher, ExpectOptions<E> options = {},
                   Site site = Site::Here()) {
  return Expected<E>(dispatcher, std::move(options), site);
}

}  // namespace belfry
