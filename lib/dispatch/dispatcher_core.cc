#include "dispatch/dispatcher_core.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "belfry/check.h"
#include "event/registry.h"
#include "sys/sys.h"

namespace belfry {
namespace {

constexpr std::size_t kListenerNameMax = 256;

// "OrderPlaced@kitchen.cc:12"
std::string DefaultName(EventType type, Site site) {
  std::string_view file = site.file;
  file.remove_prefix(std::min(file.size(), file.rfind('/') + 1));
  std::string name =
      std::string(type.name()) + "@" + std::string(file) + ":" + std::to_string(site.line);
  if (name.size() > kListenerNameMax) name.resize(kListenerNameMax);
  return name;
}

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
      fork_generation_(sys::ForkGeneration()),
      ids_(RandomOrigin()),
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

std::shared_ptr<Listener> DispatcherCore::Subscribe(EventType type,
                                                    std::unique_ptr<ListenerBody> body,
                                                    ListenerOptions options, Site site,
                                                    SubscribeError& error) {
  error = {false, Complaint(options)};
  if (!error.what.empty()) return nullptr;
  // Counted first and looked at then: either this sees the end, or the end waits for this.
  const WorkCount::UnderWay subscribing(work_);
  if (closed()) {
    error = {true, "the dispatcher is closed"};
    return nullptr;
  }

  Topic& topic = topics_.Of(type);
  ListenerTraits traits{NextListenerNumber(), std::move(options.name), type};
  if (traits.name.empty()) traits.name = DefaultName(type, site);
  traits.has_queue = options_.synchronous || options.run == Run::kQueued;
  if (!options_.synchronous && traits.has_queue) {
    traits.executor = options.executor != nullptr ? options.executor : &executor();
  }
  traits.overflow = options.overflow;
  traits.of_library_event = topic.of_library();
  auto listener = std::make_shared<Listener>(shared_from_this(), std::move(traits), options.queue,
                                             std::move(body));
  topic.Add(listener);
  // A discard that has passed over the table already did not see this one.
  if (state_.load(std::memory_order_seq_cst) == State::kDiscarding) listener->Discard();
  return listener;
}

void DispatcherCore::Remove(const Listener& listener) {
  topics_.Of(listener.traits().event_type).Remove(listener);
}

Stats DispatcherCore::GetStats() const {
  Stats stats;
  topics_.ForEach([&](const Topic& topic) {
    stats.types.push_back(topic.stats());
    const std::shared_ptr<const ListenerTable> table = topic.table();
    for (const std::shared_ptr<Listener>& listener : table->listeners) {
      if (listener->detached()) continue;
      const ListenerTraits& traits = listener->traits();
      stats.listeners.push_back({traits.id, traits.name, traits.event_type, listener->counts()});
    }
  });
  std::sort(stats.listeners.begin(), stats.listeners.end(),
            [](const ListenerStats& a, const ListenerStats& b) { return a.id < b.id; });
  return stats;
}

std::vector<std::string> DispatcherCore::ListenerNames(EventType type) {
  std::vector<std::string> names;
  const std::shared_ptr<const ListenerTable> table = topics_.Of(type).table();
  for (const std::shared_ptr<Listener>& listener : table->listeners) {
    if (!listener->detached()) names.push_back(listener->traits().name);
  }
  return names;
}

}  // namespace belfry
