#include "dispatch/dispatcher_core.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "belfry/check.h"
#include "event/registry.h"
#include "sys/sys.h"

namespace belfry {
namespace {

// "" if the options make sense, else what is wrong with them.
std::string Complaint(const ListenerOptions& options) {
  if (options.name.size() > kListenerNameMax) {
    return "a listener's name has " + std::to_string(options.name.size()) + " bytes, at most " +
           std::to_string(kListenerNameMax) + " are allowed";
  }
  if (std::any_of(options.name.begin(), options.name.end(),
                  [](unsigned char c) { return std::iscntrl(c) != 0; })) {
    return "a listener's name has a control character in it";
  }
  if (options.run == Run::kInline && options.executor != nullptr) {
    return "listener \"" + options.name +
           "\": an inline listener runs on the publishing thread, so an executor means nothing";
  }
  if (options.queue.events_max == 0 || options.queue.bytes_max == 0) {
    return "listener \"" + options.name + "\": its queue's limit is 0: nothing would ever fit";
  }
  if (options.overflow.patience < Nanoseconds::zero()) {
    return "listener \"" + options.name + "\": Overflow::patience is negative";
  }
  if (options.concurrency == 0) {
    return "listener \"" + options.name + "\": with a concurrency of 0 none of its events may run";
  }
  if (options.run == Run::kInline && MailboxTraits::Needed(options)) {
    return "listener \"" + options.name +
           "\": an inline listener has no queue, so a key, a concurrency and what to drop mean "
           "nothing";
  }
  const bool coalesces = options.overflow.policy == Overflow::Policy::kCoalesce;
  if (coalesces != static_cast<bool>(options.overflow.same)) {
    return "listener \"" + options.name +
           "\": Overflow::same is what kCoalesce goes by, and nothing else";
  }
  if (coalesces && !options.overflow.same.exact()) {
    return "listener \"" + options.name +
           "\": it coalesces by a key that is neither a number, an enumerator nor a text, so "
           "events with different keys could replace each other";
  }
  return {};
}

// The same for options that are made for one event type.
std::string Complaint(const ListenerOptions& options, EventType type) {
  const auto differs = [&](const char* what, EventType taken) {
    return "listener \"" + options.name + "\": " + what + " takes " + std::string(taken.name()) +
           ", the listener " + std::string(type.name());
  };
  if (options.filter && options.filter.type() != type) {
    return differs("the filter", options.filter.type());
  }
  if (options.key && options.key.type() != type) return differs("the key", options.key.type());
  const EventKey& same = options.overflow.same;
  if (same && same.type() != type) return differs("the key to coalesce by", same.type());
  return {};
}

std::uint64_t RandomOrigin() {
  std::uint64_t origin = 0;
  while (origin == 0) {
    BELFRY_CHECK(sys::Getrandom(&origin, sizeof(origin)) == sizeof(origin),
                 "the system has no random numbers");
  }
  return origin;
}

}  // namespace

DispatcherCore::DispatcherCore(Dispatcher& dispatcher, DispatcherOptions options)
    : dispatcher_(dispatcher),
      options_(std::move(options)),
      clock_(options_.clock == nullptr ? Clock::Real() : *options_.clock),
      fork_generation_((sys::CountForks(), sys::ForkGeneration())),
      ids_(RandomOrigin()),
      topics_(*this),
      sources_([this](std::string_view name, std::string_view what) {
        Log(LogLevel::kError,
            "source \"" + std::string(name) + "\" failed to stop: " + std::string(what));
      }) {}

DispatcherCore::~DispatcherCore() = default;

void DispatcherCore::Start() {
  if (options_.synchronous) return;
  if (options_.executor == nullptr) {
    own_pool_ = std::make_unique<ThreadPool>(options_.pool);
    own_executor_ = own_pool_.get();
  }
  spare_hook_ = executor().OnSpareThread([weak = weak_from_this()](unsigned running) {
    if (const std::shared_ptr<DispatcherCore> core = weak.lock()) {
      if (!core->closed()) core->TellSpareThread(running);
    }
  });
}

Executor& DispatcherCore::executor() const {
  Executor* const executor = options_.executor != nullptr ? options_.executor : own_pool_.get();
  BELFRY_CHECK(executor != nullptr, "a synchronous or closed dispatcher has no executor");
  return *executor;
}

Listener* DispatcherCore::Subscribe(EventType type, CallableHandle callable,
                                    ListenerOptions options, Site site, SubscribeError& error) {
  error = {false, Complaint(options)};
  if (error.what.empty()) error.what = Complaint(options, type);
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
  traits.owned = static_cast<bool>(options.owner);
  const std::shared_ptr<Decoration> decoration = Decoration::Of(options);
  Listener* const listener = WithDecoration(decoration, callable, [&](CallableHandle decorated) {
    return options_.synchronous || options.run == Run::kQueued
               ? SubscribeQueued(topic, decorated, options, site)
               : topic.inline_listeners().Add(decorated, std::move(options.name), site);
  });
  if (listener != nullptr) listener->Decorate(decoration, traits);
  // Closed meanwhile: that is seen under the topic's mutex, which who closes it takes as well.
  if (listener == nullptr) error = {true, "the dispatcher is closed"};
  return listener;
}

Listener* DispatcherCore::SubscribeQueued(Topic& topic, CallableHandle callable,
                                          ListenerOptions& options, Site site) {
  Executor* executor = nullptr;
  if (!options_.synchronous) {
    executor = options.executor != nullptr    ? options.executor
               : options_.executor != nullptr ? options_.executor
                                              : own_executor_;
  }
  if (MailboxTraits::Needed(options)) {
    const auto listener = std::make_shared<MailboxListener>(
        shared_from_this(), topic, MailboxTraits::Of(options, executor, topic.of_library()),
        options, callable);
    const bool added = topic.mailbox_listeners().Add(listener, options.name, site);
    return added ? listener.get() : nullptr;
  }
  const QueuedTraits traits{executor, options.queue, options.overflow};
  const auto listener =
      std::make_shared<QueuedListener>(shared_from_this(), topic, traits, callable);
  const bool added = topic.queued_listeners().Add(listener, options.name, site);
  return added ? listener.get() : nullptr;
}

Stats DispatcherCore::GetStats() const {
  Stats stats;
  topics_.ForEach([&](const Topic& topic) { topic.AddTo(stats); });
  std::sort(stats.types.begin(), stats.types.end(), [](const TypeStats& a, const TypeStats& b) {
    return a.event_type.index() < b.event_type.index();
  });
  std::sort(stats.listeners.begin(), stats.listeners.end(),
            [](const ListenerStats& a, const ListenerStats& b) { return a.id < b.id; });
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
