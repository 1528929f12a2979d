// What a composition does with its parts: all of the user's code runs here, under no lock.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "belfry/flow/composition_events.h"
#include "belfry/flow/composition_plan.h"
#include "flow/composition_core.h"

namespace belfry {

// Owned by the listeners of a composition: it, and the callables in it, go with the last of them.
//
// Thread safety: Take on several threads at once; the others each on one at a time.
class CompositionRun {
 public:
  CompositionRun(CompositionPlan plan, std::shared_ptr<CompositionCore> core)
      : plan_(std::move(plan)), core_(std::move(core)) {}

  const CompositionPlan& plan() const { return plan_; }

  // An event that may be any of these parts, all of its type.
  Failure Take(const std::vector<std::size_t>& indices, const void* event, Context& context) const;
  // What is due, one after the other, up to the first failure: the next delivery goes on.
  Failure HandleDue() const;
  Failure Undo(const CompositionUndo& undo) const;

 private:
  using Offered = CompositionTable::Offered;

  Failure GiveUp(std::size_t index, const void* event, const Envelope& envelope) const;
  PartArrival Arrive(std::size_t index, const void* event, const Envelope& envelope) const;
  Failure Complete(EndedComposition complete) const;
  Failure TimeOut(EndedComposition timed_out) const;
  Failure Evict(EndedComposition evicted) const;
  Failure UndoLate(PartArrival late, std::unique_ptr<HeldPart> part) const;
  Failure AskToUndo(const std::shared_ptr<const EndedComposition>& ended,
                    const HeldPart* behind = nullptr) const;

  const CompositionPlan plan_;
  const std::shared_ptr<CompositionCore> core_;
};

}  // namespace belfry
