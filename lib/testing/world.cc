#include "belfry/testing/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <set>
#include <utility>

#include "belfry/ambient_context.h"
#include "belfry/interceptor.h"
#include "belfry/stats.h"
#include "belfry/testing/duration.h"
#include "belfry/testing/expectation.h"
#include "belfry/testing/story.h"
#include "testing/agenda.h"
#include "testing/evidence.h"
#include "testing/faults.h"
#include "testing/schedule.h"
#include "testing/world_loop.h"

namespace belfry::testing {

struct World::Impl {
  // Without an explorer BELFRY_REPLAY chooses, else nobody.
  Impl(WorldOptions options, Chooser* explorer);
  ~Impl();

  EventLoop& loop();
  RunReport RunUntil(Nanoseconds until);
  Failure Deliver(const AnyEvent& event, Context& context, DeliveryNext& next);
  Evidence MakeEvidence() const;

  // --- What a test fails on though it says nothing of it ---
  void CheckRecord() const;
  void CheckEvent(const Record& record, const RecordedEvent& event) const;
  void CheckDeadLetters() const;
  void CheckCounters(const Stats& stats) const;
  void CheckSubscriptions(const Stats& stats) const;
  void CheckNames() const;

  const std::unique_ptr<Replayed> replayed;
  InOrder in_order;
  Chooser* const chooser;
  const bool explored;
  Tolerated tolerated;
  WorldClock clock;
  Recorder recorder;  // before the agenda, which may tell it of turns until its end
  Agenda agenda;
  Faults faults;
  std::set<std::string, std::less<>> muted;
  std::set<std::uint32_t> faked;
  std::vector<KnownListener> listeners;   // that there are, or were
  std::unique_ptr<WorldLoop> world_loop;  // if somebody has asked for it
  std::unique_ptr<Dispatcher> dispatcher;
};

World::Impl::Impl(WorldOptions options, Chooser* explorer)
    : replayed(explorer == nullptr ? ReplayOfEnvironment() : nullptr),
      chooser(explorer != nullptr   ? explorer
              : replayed != nullptr ? replayed.get()
                                    : static_cast<Chooser*>(&in_order)),
      explored(explorer != nullptr),
      tolerated(options.tolerated),
      recorder(clock),
      agenda(clock, options.late_by) {
  agenda.SetHold([this](std::string_view listener) { return faults.impl().HoldNext(listener); });
  DispatcherOptions made = std::move(options.dispatcher);
  made.synchronous = false;
  made.executor = &agenda;
  made.timers = &agenda;
  made.clock = &clock;
  made.observer = &recorder;
  made.origin = 1;
  // Innermost: the program's own interceptors see the faults.
  made.interceptors.push_back(
      {.around_delivery = [this](const AnyEvent& event, Context& context, DeliveryNext& next) {
        return Deliver(event, context, next);
      }});
  made.life_cycle.subscribed =
      [this, told = std::move(made.life_cycle.subscribed)](const ListenerInfo& listener) {
        listeners.push_back({listener.id, std::string(listener.name), listener.event_type});
        if (told) told(listener);
      };
  if (!made.log) made.log = [](LogLevel, std::string_view) {};  // the record has it all
  dispatcher = std::make_unique<Dispatcher>(std::move(made));
}

World::Impl::~Impl() {
  CheckRecord();
  if (!tolerated.dead_letters) CheckDeadLetters();
  const Stats stats = dispatcher->GetStats();
  CheckCounters(stats);
  if (!tolerated.subscriptions) CheckSubscriptions(stats);
  if (!tolerated.names) CheckNames();
}

EventLoop& World::Impl::loop() {
  if (world_loop == nullptr) {
    world_loop = std::make_unique<WorldLoop>(clock);
    agenda.SetLoop(world_loop->loop());
  }
  return world_loop->loop();
}

RunReport World::Impl::RunUntil(Nanoseconds until) {
  RunReport report;
  while (agenda.Step(*chooser, until)) ++report.steps;
  if (until > clock.elapsed()) clock.Set(until);
  report.waiting = agenda.waiting();
  return report;
}

// What stands around each delivery.
Failure World::Impl::Deliver(const AnyEvent& event, Context& context, DeliveryNext& next) {
  if (faked.contains(event.type().index())) return Failure::Unwanted("the test fakes its type");
  if (faults.impl().empty() && muted.empty()) return next();
  const std::string_view listener = context.listener_name();
  if (muted.contains(listener)) return Failure::Unwanted("the test has muted it");
  return faults.impl().Call(listener, next, *chooser,
                            [this](std::string text) { recorder.Note(std::move(text)); });
}

Evidence World::Impl::MakeEvidence() const {
  return {.recorder = recorder,
          .record = recorder.record(),
          .dispatcher = dispatcher.get(),
          .agenda = &agenda,
          .listeners = &listeners,
          .replay = replayed == nullptr ? "" : replayed->text(),
          .explored = explored};
}

// --- What a test fails on though it says nothing of it ---

void World::Impl::CheckRecord() const {
  recorder.Read([this](const Record& record) {
    for (const RecordedEvent& event : record.events) CheckEvent(record, event);
  });
}

void World::Impl::CheckEvent(const Record& record, const RecordedEvent& event) const {
  using Kind = DeliveryOutcome::Kind;
  const auto unexpected = [&](std::string_view what) {
    ADD_FAILURE() << "unexpected: " << what << "\n" << TellStory(record);
  };
  const std::string name(event.type.name());
  if (!event.result.ok() && !event.expected && !tolerated.losses) {
    unexpected("the publish of " + name + " was refused");
  }
  for (const RecordedDelivery& delivery : event.deliveries) {
    if (!delivery.ended || delivery.expected) continue;
    const bool failed = delivery.how == Kind::kFailed;
    const bool lost = delivery.how == Kind::kDropped || delivery.how == Kind::kExpired;
    if ((failed && !tolerated.failures) || (lost && !tolerated.losses)) {
      unexpected("listener " + delivery.name + " " + std::string(ToString(delivery.how)) + " " +
                 name + (delivery.what.empty() ? "" : ": " + delivery.what));
    }
  }
}

// A letter is expected when its failure is.
void World::Impl::CheckDeadLetters() const {
  const std::vector<DeadLetter> letters = dispatcher->dead_letters().List();
  std::vector<std::string> unexpected;
  recorder.Read([&](const Record& record) {
    for (const DeadLetter& letter : letters) {
      const auto of_letter = FindDelivery(record, letter.event_id, letter.listener_id);
      const bool expected =
          of_letter.has_value() &&
          record.events[of_letter->event].deliveries[of_letter->delivery].expected;
      if (!expected) unexpected.push_back("of " + letter.listener + ": " + letter.what);
    }
  });
  if (unexpected.empty()) return;
  ADD_FAILURE() << unexpected.size()
                << (unexpected.size() == 1 ? " dead letter is left, " : " dead letters are left, ")
                << Enumerate(unexpected, "; ");
}

void World::Impl::CheckCounters(const Stats& stats) const {
  for (const TypeStats& type : stats.types) {
    EXPECT_TRUE(type.deliveries.balanced())
        << "the deliveries of " << type.event_type.name() << " do not add up";
  }
}

void World::Impl::CheckSubscriptions(const Stats& stats) const {
  for (const ListenerStats& listener : stats.listeners) {
    ADD_FAILURE() << "listener \"" << listener.name << "\", subscribed at "
                  << listener.traits.site.file << ":" << listener.traits.site.line
                  << ", outlives its world";
  }
}

// One that is misspelled changes nothing, and so would not be noticed.
void World::Impl::CheckNames() const {
  const auto check = [this](const std::string& call, const std::string& name) {
    if (HasName(listeners, name)) return;
    ADD_FAILURE() << call << "(\"" << name << "\"): " << name << " " << WhoIsThere(listeners, name);
  };
  for (const std::string& name : muted) check("Mute", name);
  for (const auto& [call, name] : faults.impl().Names()) {
    check("faults()." + std::string(call), name);
  }
}

// --- World ---

World::World(WorldOptions options) : impl_(std::make_unique<Impl>(std::move(options), nullptr)) {}
World::World(WorldOptions options, Chooser& chooser)
    : impl_(std::make_unique<Impl>(std::move(options), &chooser)) {}
World::~World() = default;

Dispatcher& World::dispatcher() { return *impl_->dispatcher; }
Executor& World::executor() { return impl_->agenda; }
Timers& World::timers() { return impl_->agenda; }
const Clock& World::clock() const { return impl_->clock; }
EventLoop& World::loop() { return impl_->loop(); }

RunReport World::Run() { return impl_->RunUntil(now()); }
RunReport World::RunFor(Nanoseconds duration) { return impl_->RunUntil(now() + duration); }
void World::Advance(Nanoseconds duration) { impl_->clock.Set(now() + duration); }
bool World::Step() { return impl_->agenda.Step(*impl_->chooser, now()); }
bool World::DeliverNext(std::string_view listener) { return impl_->agenda.DeliverNext(listener); }
std::vector<std::string> World::waiting() const { return impl_->agenda.waiting(); }
Nanoseconds World::now() const { return impl_->clock.elapsed(); }

Faults& World::faults() { return impl_->faults; }
void World::Mute(std::string_view listener) { impl_->muted.emplace(listener); }
void World::Fake(EventType type) { impl_->faked.insert(type.index()); }
void World::Tolerate(const Tolerated& tolerated) { impl_->tolerated = tolerated; }

namespace {

// As part of the delivery in which it was asked for.
std::function<void()> InContext(std::function<void()> finished) {
  return [finished = std::move(finished), context = AmbientContext::Current()] {
    const AmbientScope scope(context);
    finished();
  };
}

}  // namespace

OperationId World::FinishLater(std::string what, std::function<void()> finished) {
  return {impl_->agenda.FinishLater(std::move(what), std::nullopt, InContext(std::move(finished)))};
}
OperationId World::FinishLater(std::string what, Nanoseconds latency,
                               std::function<void()> finished) {
  return {impl_->agenda.FinishLater(std::move(what), latency, InContext(std::move(finished)))};
}
OperationId World::FinishInTurn(std::string what, std::function<void()> finished) {
  impl_->loop();
  auto turn = [impl = impl_.get(), finished = std::move(finished)] {
    impl->world_loop->TurnWith(finished);
  };
  return {impl_->agenda.FinishLater(std::move(what), std::nullopt, std::move(turn))};
}
bool World::Cancel(OperationId operation) {
  return impl_->agenda.CancelOperation(operation.number);
}
bool World::ChooseFault() { return impl_->chooser->ChooseFault(); }

Recorder& World::recorder() { return impl_->recorder; }
Record World::record() const { return impl_->recorder.record(); }
void World::Forget() {
  impl_->CheckRecord();
  impl_->recorder.Clear();
}
void World::Expect(const Expectation& expectation, Site site) const {
  testing::Expect(*this, expectation, site);
}
Evidence World::evidence() const { return impl_->MakeEvidence(); }

void PrintTo(const World& world, std::ostream* out) {
  const std::size_t events = world.record().events.size();
  *out << "a world at +" << ShowDuration(world.now()) << " with " << events
       << (events == 1 ? " event" : " events");
}

}  // namespace belfry::testing
