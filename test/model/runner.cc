#include "model/runner.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "absl/status/status.h"

#include "belfry/batch.h"
#include "belfry/library_events.h"
#include "model/callables.h"
#include "model/events.h"

namespace belfry::model {

using Kind = Operation::Kind;

namespace {

EventSelection SelectionOf(const ListenerPlan& plan) {
  if (plan.choice == Choice::kAll) return AllEvents();
  if (plan.choice == Choice::kNamed) return EventsNamed{"model.*"};
  return WithType(plan.type, [&](auto* one) {
    return WithType(plan.other, [&](auto* other) -> EventSelection {
      return EventTypes<std::remove_pointer_t<decltype(one)>,
                        std::remove_pointer_t<decltype(other)>>();
    });
  });
}

}  // namespace

Runner::Runner(bool synchronous)
    : synchronous_(synchronous),
      living_before_(model::living_events),
      dispatcher_(std::make_unique<Dispatcher>(
          DispatcherOptions{.executor = synchronous ? nullptr : &executors_[0],
                            .synchronous = synchronous,
                            .clock = &timers_.clock(),
                            .timers = &timers_,
                            .log = [](LogLevel, std::string_view) {}})),
      model_(synchronous, [this] { return dispatcher_->GetStats(); }) {
  for (auto& owner : owners_) owner = std::make_shared<int>();
  const auto tell = [&](auto count) {
    library_.push_back(dispatcher_->Subscribe(count, {.run = belfry::Run::kInline}));
  };
  tell([this](const ListenerFailed&) { ++told_.failed; });
  tell([this](const Orphaned&) { ++told_.orphaned; });
  tell([this](const PublishRefused&) { ++told_.refused; });
  tell([this](const Dropped&) { ++told_.dropped; });
  tell([this](const ListenerQuarantined&) { ++told_.quarantined; });
  tell([this](const Expired&) { ++told_.expired; });
}

Runner::~Runner() {
  slots_ = {};
  End();
}

std::string Runner::Run(const Walk& walk) {
  std::size_t number = 0;
  for (const Operation& operation : walk) {
    ++number;
    Do(operation, false);
    Check();
    if (!right()) return "operation " + std::to_string(number) + ": " + model_.wrong();
  }
  model_.BeginOperation();
  for (Slot& slot : slots_) {
    if (slot.listener != 0) Reset(slot);
  }
  End();
  CheckTracked();
  CheckCallables();
  model_.Expect(model::living_events == living_before_, "D3: events are left at the end");
  return right() ? "" : "at the end: " + model_.wrong();
}

// --- What listeners do ---

const Reaction* Runner::Handle(Who who, int event) {
  model_.Start(who.listener, who.generation, event);
  if (!right()) return nullptr;
  ++tries_[{who.listener, event}];
  const Slot* const slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& other) {
    return other.listener == who.listener;
  });
  if (slot == slots_.end()) return nullptr;  // its subscription was given up
  // Who is subscribed by what a sticky event makes others do may get that one again, for ever.
  constexpr int kReactionsMax = 20;
  if (++reactions_[event] > kReactionsMax) return nullptr;
  const auto own = static_cast<int>(slot - slots_.begin());
  for (const Reaction& reaction : model_.event(event).plan->reactions) {
    if (reaction.slot != own) continue;
    for (const Operation& operation : reaction.inside) Do(operation, true);
    return &reaction;
  }
  return nullptr;
}

bool Runner::Fails(Who who, int event, const Reaction* reaction, Reaction::End end) {
  return reaction != nullptr && reaction->end == end &&
         tries_[{who.listener, event}] <= reaction->failures;
}

void Runner::HandleAndThrow(Who who, int event) {
  const Reaction* const reaction = Handle(who, event);
  const bool throws = Fails(who, event, reaction, Reaction::End::kThrows);
  model_.BeginOperation();
  model_.End(throws ? Model::Outcome::kFailed : Model::Outcome::kHandled);
  if (throws) throw std::runtime_error("as planned");
}

bool Runner::HandleAndFail(Who who, int event) {
  const Reaction* const reaction = Handle(who, event);
  const bool throws = Fails(who, event, reaction, Reaction::End::kThrows);
  const bool fails = Fails(who, event, reaction, Reaction::End::kError);
  model_.BeginOperation();
  model_.End(throws || fails ? Model::Outcome::kFailed : Model::Outcome::kHandled);
  if (throws) throw std::runtime_error("as planned");
  return fails;
}

std::vector<std::pair<const EventPlan*, int>> Runner::HandleAndReturn(Who who, int event, Type type,
                                                                      std::size_t max) {
  const Reaction* const reaction = Handle(who, event);
  std::vector<std::pair<const EventPlan*, int>> returned;
  std::vector<int> numbers;
  model_.BeginOperation();
  if (reaction != nullptr) {
    for (const EventPlan& plan : reaction->returned) {
      if (plan.type != type || returned.size() == max) continue;
      numbers.push_back(model_.Announce(plan, true));
      returned.emplace_back(&plan, numbers.back());
    }
  }
  operations_ += returned.size();
  model_.Return(std::move(numbers));
  return returned;
}

// --- Operations ---

void Runner::Do(const Operation& operation, bool inside) {
  if (!right()) return;
  ++operations_;
  model_.BeginOperation();
  const auto at = static_cast<std::size_t>(operation.slot);
  Slot& slot = slots_.at(at);
  switch (operation.kind) {
    case Kind::kSubscribe:
      return Subscribe(operation);
    case Kind::kPublish:
      if (!operation.events.empty()) Publish(operation.events[0]);
      return;
    case Kind::kPublishLater:
      if (!operation.events.empty()) PublishLater(operation);
      return;
    case Kind::kCancel:
      return Cancel(at);
    case Kind::kBatch:
      return PublishBatch(operation);
    case Kind::kReset:
      return Reset(slot);
    case Kind::kDetach:
      if (slot.listener == 0) return;
      model_.Detach(std::exchange(slot.listener, 0));
      return slot.subscription.Detach();
    case Kind::kReplace:
      return Replace(slot, operation.listener.body);
    case Kind::kMute:
    case Kind::kUnmute:
      if (slot.listener == 0) return;
      model_.SetMuted(slot.listener, operation.kind == Kind::kMute);
      return operation.kind == Kind::kMute ? slot.subscription.Mute() : slot.subscription.Unmute();
    case Kind::kDropOwner:
      model_.DropOwner(operation.slot);
      owners_.at(at) = std::make_shared<int>();
      return;
    case Kind::kRunOne:
    case Kind::kRunAll:
      if (!inside && !synchronous_) Run(operation.slot, operation.kind == Kind::kRunOne);
      return;
    case Kind::kWait:
      if (!model_.agenda().waiting()) Wait(operation.time);
      return;
    case Kind::kForget:
      return model_.Forget(dispatcher_->dead_letters().DiscardAll());
    case Kind::kForgetSticky:
      return ForgetSticky(static_cast<Type>(operation.slot));
    case Kind::kDrain:
      return model_.Drained(dispatcher_->Drain(Nanoseconds::zero()));
    case Kind::kShutdown:
      if (!inside) Shutdown(operation.shutdown);
      return;
  }
}

std::shared_ptr<int> Runner::NewLife(int listener) {
  auto life = std::make_shared<int>();
  lives_[listener].push_back({life, true});
  return life;
}

template <class E>
void Runner::SetProjections(const ListenerPlan& plan, int listener, ListenerOptions& options) {
  if (plan.filtered) {
    options.filter = [this, listener](const E& event) {
      model_.Asked(listener, NumberOf(event));
      const EventPlan& asked = *model_.event(NumberOf(event)).plan;
      if (asked.filter_throws) {
        model_.End(Model::Outcome::kFailed);
        throw std::runtime_error("a filter, as planned");
      }
      if (asked.unwanted) model_.Unwanted();
      return !asked.unwanted;
    };
  }
  if (plan.keyed) {
    options.key = [this, throws = plan.key_throws](const E& event) {
      const EventPlan& asked = *model_.event(NumberOf(event)).plan;
      if (throws && asked.no_key) throw std::runtime_error("a key, as planned");
      return asked.key;
    };
  }
  if (plan.overflow == Overflow::Policy::kCoalesce) {
    options.overflow.same = [this](const E& event) {
      return std::to_string(model_.event(NumberOf(event)).plan->same);
    };
  }
}

ListenerOptions Runner::OptionsOf(const ListenerPlan& plan, int listener) {
  ListenerOptions options;
  options.name = "listener " + std::to_string(listener);
  options.run = plan.inlined ? belfry::Run::kInline : belfry::Run::kQueued;
  if (plan.executor != 0)
    options.executor = &executors_.at(static_cast<std::size_t>(plan.executor));
  options.queue = {plan.events_max, plan.bytes_max};
  options.overflow.policy = plan.overflow;
  options.overflow.patience = Nanoseconds::zero();
  options.concurrency = plan.concurrency;
  options.starvation_max = plan.starvation_max;
  options.sticky = plan.sticky;
  options.once = plan.once;
  options.retry = {.attempts_max = plan.attempts,
                   .delay = kRetryDelay,
                   .delay_max = kRetryDelay,
                   .ordered = plan.ordered};
  options.deadline = plan.deadline * kUnit;
  options.dead_letters = plan.letters;
  if (plan.quarantine > 0) options.quarantine = {plan.quarantine, std::chrono::hours(10'000)};
  if (plan.owner >= 0) options.owner = owners_.at(static_cast<std::size_t>(plan.owner));
  WithListened(plan, [&](auto* event) {
    SetProjections<std::remove_pointer_t<decltype(event)>>(plan, listener, options);
  });
  return options;
}

void Runner::Subscribe(const Operation& operation) {
  Slot& slot = slots_.at(static_cast<std::size_t>(operation.slot));
  if (slot.listener != 0) return;
  ListenerPlan plan = operation.listener;
  plan.ordered = plan.ordered && plan.attempts > 1 && (plan.keyed || plan.concurrency == 1);
  const int listener = static_cast<int>(model_.listeners().size()) + 1;
  const ListenerOptions options = OptionsOf(plan, listener);
  std::shared_ptr<int> life = NewLife(listener);
  lives_[listener].back().shown = plan.body != Body::kTrivial;
  const bool closed = dispatcher_->closed();
  if (!closed) model_.Add(plan, options.name);  // it may be called at once
  WithListened(plan, [&](auto* event) {
    using E = std::remove_pointer_t<decltype(event)>;
    WithBody<E>(plan.body, *this, {listener, 0}, std::move(life), [&](auto callable) {
      if constexpr (std::is_same_v<E, AnyEvent>) {
        slot.subscription = dispatcher_->Subscribe(SelectionOf(plan), std::move(callable), options);
      } else {
        slot.subscription = dispatcher_->Subscribe<E>(std::move(callable), options);
      }
    });
  });
  model_.Expect(closed == !slot.subscription, "R4: a subscription was refused, or taken");
  if (closed) return;
  slot.listener = listener;
  model_.Added(listener, slot.subscription.id());
}

void Runner::Publish(const EventPlan& plan) {
  const int number = model_.Announce(plan);
  model_.Publish(number);
  const PublishResult result = WithType(plan.type, [&](auto* event) {
    return PublishAs<std::remove_pointer_t<decltype(event)>>(plan, number);
  });
  model_.Published(number, result);
}

PublishOptions Runner::OptionsOf(const EventPlan& plan) const {
  PublishOptions options;
  options.lane = plan.lane;
  options.sticky = plan.sticky;
  if (plan.way != Way::kWithOptions) return options;
  options.id = dispatcher_->NewEventId();
  options.headers.push_back({"way", "back"});
  return options;
}

template <class E>
PublishResult Runner::PublishAs(const EventPlan& plan, int number) {
  const bool plain = plan.lane == Lane::kNormal && !plan.sticky && plan.way != Way::kWithOptions;
  const auto publish = [&](auto&& event) {
    return plain ? dispatcher_->Publish(std::forward<decltype(event)>(event))
                 : dispatcher_->Publish(std::forward<decltype(event)>(event), OptionsOf(plan));
  };
  switch (plan.way) {
    case Way::kMoved:
    case Way::kWithOptions:
      break;
    case Way::kCopied: {
      const E event = Make<E>(plan, number);
      return publish(event);
    }
    case Way::kShared:
      return publish(std::make_shared<const E>(Make<E>(plan, number)));
    case Way::kEmplaced:
      if (!plain) break;
      if constexpr (std::is_same_v<E, Letter>) return dispatcher_->Emplace<E>(number, plan.bytes);
      return dispatcher_->Emplace<E>(number);
    case Way::kTracked: {
      const auto told = dispatcher_->PublishTracked(Make<E>(plan, number), OptionsOf(plan));
      tracked_.emplace(number, told);
      return told.finished() ? told.value().result : PublishResult();
    }
  }
  return publish(Make<E>(plan, number));
}

void Runner::PublishBatch(const Operation& operation) {
  Batch batch(dispatcher_->publisher());
  std::vector<int> numbers;
  for (const EventPlan& plan : operation.events) {
    const int number = model_.Announce(plan, true);
    numbers.push_back(number);
    WithType(plan.type, [&](auto* event) {
      using E = std::remove_pointer_t<decltype(event)>;
      if (plan.way == Way::kShared) {
        batch.Add(std::make_shared<const E>(Make<E>(plan, number)));
      } else {
        batch.Add(Make<E>(plan, number));
      }
    });
  }
  if (!operation.commit) return;
  operations_ += numbers.size();
  model_.Commit(std::move(numbers));
  const PublishResult result = batch.Commit();
  model_.Committed(result, batch.size());
}

void Runner::Reset(Slot& slot) {
  if (slot.listener == 0) return;
  const int listener = std::exchange(slot.listener, 0);
  model_.Detach(listener);
  const ResetResult result = slot.subscription.Reset();
  model_.ResetDone(listener, result, Destroyed(listener, lives_[listener].size()));
}

void Runner::Replace(Slot& slot, Body body) {
  if (slot.listener == 0) return;
  const int listener = slot.listener;
  const ListenerState& l = model_.listeners().at(listener);
  const int generation = l.generation + 1;
  std::shared_ptr<int> life = NewLife(listener);
  lives_[listener].back().shown = body != Body::kTrivial;
  ReplaceResult result = ReplaceResult::kClosed;
  WithListened(l.plan, [&](auto* event) {
    using E = std::remove_pointer_t<decltype(event)>;
    WithBody<E>(body, *this, {listener, generation}, std::move(life),
                [&](auto callable) { result = slot.subscription.Replace<E>(std::move(callable)); });
  });
  const Life& former = lives_[listener].end()[-2];
  model_.ReplaceDone(listener, result, former.callable.expired());
  if (result == ReplaceResult::kClosed) lives_[listener].pop_back();
}

}  // namespace belfry::model
