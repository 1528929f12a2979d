#include "flow/composition_run.h"

#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "belfry/ambient_context.h"

namespace belfry {
namespace {

// Handled in one delivery, before others have their turn.
constexpr int kDueAtOnce = 256;

// Of what a composition publishes: a part of the story of its parts, if that is one; by the last.
Cause CauseOf(const EndedComposition& ended) {
  return {ended.story.common ? ended.story.correlation : EventId(), ended.parts.last()->id};
}

// The same and the baggage of the last part, for who is in no delivery of that.
AmbientContext ContextOf(const EndedComposition& ended) {
  AmbientContext context(CauseOf(ended));
  if (ended.baggage != nullptr) static_cast<void>(context.Carry(*ended.baggage));
  return context;
}

Failure FailureOf(PublishResult result, const char* what) {
  if (result.ok()) return {};
  return Failure::Because(std::string(what) + " was refused: " + result.status().ToString());
}

Failure FirstOf(Failure first, Failure second) {
  return first ? std::move(first) : std::move(second);
}

}  // namespace

// --- Parts ---------------------------------------------------------------------------------------

Failure CompositionRun::Take(const std::vector<std::size_t>& indices, const void* event,
                             Context& context) const {
  const Envelope& envelope = context.envelope();
  std::unique_ptr<HeldPart> held;
  std::optional<PartArrival> arrival;
  Offered offered;
  for (const std::size_t index : indices) {
    const PartPlan& part = plan_.parts[index];
    if (part.gives_up) return GiveUp(index, event, envelope);
    if (part.filter && !part.filter.Wants(event)) continue;
    if (held == nullptr) {
      held = part.hold(event);
      held->id = envelope.id();
    }
    arrival = Arrive(index, event, envelope);
    offered = core_->Offer(*arrival, held);
    if (offered.kind == Offered::Kind::kTaken) break;
  }
  if (!arrival.has_value()) return Failure::Unwanted("it is no part of the composition");
  if (offered.kind != Offered::Kind::kTaken) core_->Count(offered.kind);
  if (offered.kind == Offered::Kind::kLate) {
    core_->TellLate(*arrival, envelope.id(), offered.late_after);
    if (offered.late_after == CompositionEnd::kCompleted) return {};
    return UndoLate(std::move(*arrival), std::move(held));
  }
  Failure failure;
  if (offered.evicted.has_value()) failure = Evict(std::move(*offered.evicted));
  if (!offered.complete.has_value()) return failure;
  return FirstOf(Complete(std::move(*offered.complete)), std::move(failure));
}

Failure CompositionRun::GiveUp(std::size_t index, const void* event,
                               const Envelope& envelope) const {
  std::optional<EndedComposition> given_up = core_->GiveUp(Arrive(index, event, envelope));
  if (!given_up.has_value()) return {};
  return AskToUndo(std::make_shared<const EndedComposition>(std::move(*given_up)));
}

PartArrival CompositionRun::Arrive(std::size_t index, const void* event,
                                   const Envelope& envelope) const {
  const PartPlan& part = plan_.parts[index];
  PartArrival arrival{.index = index,
                      .key = {},
                      .correlation = envelope.correlation_id(),
                      .baggage = envelope.shared_baggage(),
                      .now = core_->ArrivalTime()};
  arrival.key = part.key ? part.key(event) : CompositionKey(arrival.correlation);
  return arrival;
}

Failure CompositionRun::Complete(EndedComposition complete) const {
  const auto failed = [&] {
    core_->CountFailed();
    return AskToUndo(std::make_shared<EndedComposition>(std::move(complete)));
  };
  PublishResult result;
  try {
    result =
        plan_.emit(GotParts(complete.parts, core_->parts()), core_->publisher(), CauseOf(complete));
  } catch (...) {
    static_cast<void>(failed());
    throw;
  }
  if (result.ok()) return {};
  return FirstOf(FailureOf(result, "what it emits"), failed());
}

// --- Other ends ----------------------------------------------------------------------------------

Failure CompositionRun::HandleDue() const {
  struct Handled {
    ~Handled() { core.DueHandled(); }
    CompositionCore& core;
  };
  const Handled handled{*core_};
  Failure failure;
  for (int i = 0; i < kDueAtOnce && !failure; ++i) {
    std::optional<CompositionTable::Due> due = core_->TakeDue();
    if (!due.has_value()) break;
    const AmbientScope scope(ContextOf(due->ended));
    switch (due->kind) {
      case CompositionTable::Due::Kind::kComplete:
        failure = Complete(std::move(due->ended));
        break;
      case CompositionTable::Due::Kind::kTimedOut:
        failure = TimeOut(std::move(due->ended));
        break;
      case CompositionTable::Due::Kind::kLapsed:
        break;
    }
  }
  return failure;
}

Failure CompositionRun::TimeOut(EndedComposition timed_out) const {
  const auto ended = std::make_shared<const EndedComposition>(std::move(timed_out));
  Failure undo = AskToUndo(ended);
  if (!plan_.on_timeout) return undo;
  const PublishResult result =
      plan_.on_timeout(GotParts(ended->parts, core_->parts()), core_->Missing(ended->parts),
                       core_->publisher(), CauseOf(*ended));
  return FirstOf(FailureOf(result, "what it returns for a time-out"), std::move(undo));
}

Failure CompositionRun::Evict(EndedComposition evicted) const {
  core_->TellEvicted(evicted);
  return AskToUndo(std::make_shared<const EndedComposition>(std::move(evicted)));
}

// Of what has ended already: there is nobody else to undo it.
Failure CompositionRun::UndoLate(PartArrival late, std::unique_ptr<HeldPart> part) const {
  EndedComposition ended{std::move(late.key), {}, {}, std::move(late.baggage)};
  ended.story.Add(late.correlation);
  part->index = late.index;
  ended.parts.PushBack(std::move(part));
  return AskToUndo(std::make_shared<const EndedComposition>(std::move(ended)));
}

// --- Undo ----------------------------------------------------------------------------------------

// The last part that can be undone, of those before `behind`: one after the other, so that their
// order is the same even where a publish is refused and tried again.
Failure CompositionRun::AskToUndo(const std::shared_ptr<const EndedComposition>& ended,
                                  const HeldPart* behind) const {
  const HeldPart* last = nullptr;
  const HeldPart* part = ended->parts.first();
  for (; part != behind; part = HeldParts::After(*part)) {
    if (plan_.parts[part->index].undo) last = part;
  }
  if (last == nullptr) return {};
  const PublishResult result = PublishNowOrLater(
      core_->publisher(),
      CompositionUndo{core_->name(), ToString(ended->key), plan_.parts[last->index].name,
                      core_->id(), ended, last},
      [&] { return PublishOptions{.cause = CauseOf(*ended), .links = {last->id}}; });
  return FailureOf(result, "an undo");
}

Failure CompositionRun::Undo(const CompositionUndo& undo) const {
  Failure asked;
  if (!std::exchange(undo.held->undo_begun, true)) asked = AskToUndo(undo.ended, undo.held);
  return FirstOf(plan_.parts[undo.held->index].undo(undo.held->event()), std::move(asked));
}

}  // namespace belfry
