#include "dispatch/dispatcher_core.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "belfry/check.h"
#include "belfry/event_selection.h"
#include "dispatch/newcomer.h"
#include "dispatch/redelivery.h"
#include "event/registry.h"
#include "sys/sys.h"

namespace belfry {
namespace {

std::uint64_t RandomOrigin() {
  std::uint64_t origin = 0;
  while (origin == 0) {
    const ssize_t got = sys::Getrandom(&origin, sizeof(origin));
    if (got < 0 && errno == EINTR) continue;  // while the system gathers its first ones
    BELFRY_CHECK(got == sizeof(origin), "the system has no random numbers");
  }
  return origin;
}

}  // namespace

DispatcherCore::DispatcherCore(Dispatcher& dispatcher, DispatcherOptions options)
    : dispatcher_(dispatcher),
      options_(std::move(options)),
      clock_(options_.clock == nullptr ? Clock::Real() : *options_.clock),
      fork_generation_((sys::CountForks(), sys::ForkGeneration())),
      telling_(*this, options_.log),
      ids_(options_.origin == 0 ? RandomOrigin() : options_.origin),
      topics_(*this),
      dead_letters_(options_.dead_letters),
      sources_([this](std::string_view name, std::string_view what) {
        telling_.Log(LogLevel::kError,
                     "source \"" + std::string(name) + "\" failed to stop: " + std::string(what));
      }),
      interceptors_(options_.interceptors) {}

DispatcherCore::~DispatcherCore() = default;

void DispatcherCore::Start() {
  StartExecutor();
  if (options_.slow_after <= Nanoseconds::zero() || timers() == nullptr) return;
  slow_watch_ = std::make_shared<SlowWatch>(*this, *timers(), options_.slow_after);
  slow_watch_->Arm();
}

void DispatcherCore::StartExecutor() {
  if (options_.synchronous) return;
  if (options_.executor == nullptr) {
    own_pool_ = std::make_unique<ThreadPool>(options_.pool);
    own_executor_ = own_pool_.get();
  }
  spare_hook_ = executor().OnSpareThread([weak = weak_from_this()](unsigned running) {
    if (const std::shared_ptr<DispatcherCore> core = weak.lock()) {
      if (!core->closed()) core->telling().OfSpareThread(running);
    }
  });
}

Timers* DispatcherCore::timers() {
  const bool given = options_.timers != nullptr || options_.synchronous;
  return given ? options_.timers : &own_timers_;
}

Executor* DispatcherCore::executor_if_any() const {
  if (options_.synchronous) return nullptr;
  return options_.executor != nullptr ? options_.executor : own_executor_;
}

Executor& DispatcherCore::executor() const {
  Executor* const executor = options_.executor != nullptr ? options_.executor : own_pool_.get();
  BELFRY_CHECK(executor != nullptr, "a synchronous or closed dispatcher has no executor");
  return *executor;
}

Listener* DispatcherCore::Subscribe(EventType type, CallableHandle callable,
                                    ListenerOptions& options, Site site, SubscribeError& error,
                                    std::unique_ptr<const EventSelection> selection) {
  error = {false, Complaint(options, type)};
  if (error.what.empty() && selection != nullptr) error.what = Complaint(options, *selection);
  if (error.what.empty() && !options_.synchronous && options.run == Run::kQueued &&
      options.order.asked()) {
    error.what = "listener \"" + options.name +
                 "\": a queued listener runs when its executor has a thread for it, so an order "
                 "means nothing";
  }
  if (error.what.empty() && options.run == Run::kInline && callable.suspends) {
    error.what = "listener \"" + options.name +
                 "\": a coroutine goes on on its executor, so it cannot be inline";
  }
  if (!error.what.empty()) return nullptr;
  if (closed()) {
    error = {true, "the dispatcher is closed"};
    return nullptr;
  }
  Topic& topic = topics_.Of(type);
  ListenerTraits traits;
  traits.keyed = static_cast<bool>(options.key);
  traits.filtered = static_cast<bool>(options.filter);
  traits.once = options.once;
  traits.suspends = callable.suspends;
  traits.owned = static_cast<bool>(options.owner);
  Newcomer newcomer(topic, options, site, options_.synchronous);
  const std::shared_ptr<Decoration> decoration = Decoration::Of(options);
  newcomer.SetDecoration(decoration, traits);
  const bool queued = options_.synchronous || options.run == Run::kQueued;
  Listener* const listener = Wrapped(
      interceptors_.For(topic.of_library()), decoration, callable, [&](CallableHandle wrapped) {
        return queued ? SubscribeQueued(topic, wrapped, options, newcomer, std::move(selection))
                      : topic.inline_listeners().Add(wrapped, newcomer);
      });
  if (listener == nullptr) {
    if (newcomer.found() != nullptr) error.what = newcomer.found()->complaint;
    // Closed meanwhile: that is seen under the topic's mutex, which who closes it takes as well.
    if (error.what.empty()) error = {true, "the dispatcher is closed"};
    return nullptr;
  }
  const bool inlined = !options_.synchronous && options.run == Run::kInline;
  if (inlined) newcomer.Decorate(*listener);  // nobody but its subscription asks for it
  if (newcomer.found() != nullptr) {
    for (const std::string& warning : newcomer.found()->warnings) {
      telling_.Log(LogLevel::kWarning, warning);
    }
  }
  listener->TellSubscribed();
  if (topic.site_count().Count()) telling_.OfPile(topic);
  return listener;
}

Listener* DispatcherCore::SubscribeQueued(Topic& topic, CallableHandle callable,
                                          ListenerOptions& options, Newcomer& newcomer,
                                          std::unique_ptr<const EventSelection> selection) {
  Executor* const executor =
      !options_.synchronous && options.executor != nullptr ? options.executor : executor_if_any();
  if (MailboxTraits::Needed(options) || selection != nullptr || callable.suspends) {
    if (selection != nullptr) {
      for (const EventType type : selection->types()) topics_.Of(type);
    }
    const auto listener = std::make_shared<MailboxListener>(
        shared_from_this(), topic,
        MailboxTraits::Of(options, executor, topic.of_library(), callable.suspends), options,
        callable, std::move(selection));
    newcomer.Decorate(*listener);
    SharedLetter sticky;
    if (!topic.mailbox_listeners().Add(listener, newcomer, sticky)) return nullptr;
    if (listener->selection() != nullptr) topics_.Watch(*listener);
    if (options.sticky) Redelivery(*this).GiveSticky(sticky, *listener);
    return listener.get();
  }
  const QueuedTraits traits{executor, options.queue, options.overflow};
  const auto listener =
      std::make_shared<QueuedListener>(shared_from_this(), topic, traits, callable);
  newcomer.Decorate(*listener);
  const bool added = topic.queued_listeners().Add(listener, newcomer);
  return added ? listener.get() : nullptr;
}

void DispatcherCore::Fail(Listener& listener, Frame& frame, std::string_view what,
                          AttemptState state) {
  if (frame.outcomes != nullptr) {
    frame.outcomes->Fail(listener, what, state.final);
    frame.recorded = frame.recorded || state.final;
  }
  telling_.OfFailure(listener, frame.MadeEnvelope(), what, state);
}

Stats DispatcherCore::GetStats() const {
  Stats stats;
  topics_.ForEach([&](const Topic& topic) { topic.AddTo(stats); });
  std::sort(stats.types.begin(), stats.types.end(), [](const TypeStats& a, const TypeStats& b) {
    return a.event_type.index() < b.event_type.index();
  });
  std::sort(stats.listeners.begin(), stats.listeners.end(),
            [](const ListenerStats& a, const ListenerStats& b) { return a.id < b.id; });
  stats.scheduled = schedule_.waiting();
  stats.dead_letters = dead_letters_.size();
  return stats;
}

std::vector<std::string> DispatcherCore::ListenerNames(EventType type) {
  std::vector<ListedListener> listeners = topics_.Of(type).ListListeners();
  std::sort(listeners.begin(), listeners.end(),
            [](const auto& a, const auto& b) { return a.stats.id < b.stats.id; });
  std::vector<std::string> names;
  names.reserve(listeners.size());
  for (ListedListener& listener : listeners) names.push_back(std::move(listener.stats.name));
  return names;
}

}  // namespace belfry
