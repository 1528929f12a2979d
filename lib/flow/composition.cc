#include "belfry/flow/composition.h"

#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "belfry/dispatcher.h"
#include "belfry/flow/composition_events.h"
#include "belfry/flow/composition_plan.h"
#include "belfry/subscription_bag.h"
#include "flow/composition_run.h"

namespace belfry {

class Composition::Impl {
 public:
  explicit Impl(absl::Status why_not) : status(std::move(why_not)) {}
  explicit Impl(std::shared_ptr<CompositionCore> started) : core(std::move(started)) {}
  ~Impl() { Reset(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ResetResult Reset() {
    running = false;
    if (core != nullptr) core->Stop();
    const ResetResult result = subscriptions.Reset();
    if (core != nullptr) core->Cancel();
    source = {};
    return result;
  }

  absl::Status status;
  bool running = false;
  std::shared_ptr<CompositionCore> core;
  Source source;
  SubscriptionBag subscriptions;
};

namespace {

// Why a plan makes no sense, or "".
std::string Complaint(const CompositionPlan& plan) {
  if (!plan.emit) return "it needs an Emit";
  if (plan.options.open_max == 0) return "open_max is 0";
  if (plan.options.remember.value_or(Nanoseconds::zero()) < Nanoseconds::zero()) {
    return "remember is negative";
  }
  for (const PartPlan& part : plan.parts) {
    if (bool(part.key) == bool(plan.parts.front().key)) continue;
    return "Unless<" + part.name + "> needs a key if the parts have one, and none if not";
  }
  return "";
}

CompositionRules RulesOf(const CompositionPlan& plan) {
  const CompositionOptions& options = plan.options;
  CompositionRules rules{.shape = plan.shape,
                         .parts = plan.parts.size(),
                         .needed = plan.needed,
                         .within = plan.within,
                         .quiet = plan.quiet,
                         .open_max = options.open_max,
                         .remember = options.remember,
                         .remembered_max = options.remembered_max};
  const bool by_correlation = !plan.parts.front().key;
  if (!rules.remember.has_value() && !by_correlation) rules.remember = plan.within;
  if (plan.shape == CompositionShape::kCount) {
    std::swap(rules.within, rules.quiet);  // its window begins anew with each part
  }
  const bool once =
      plan.shape == CompositionShape::kEach || plan.shape == CompositionShape::kSequence;
  if (!once || rules.remember == Nanoseconds::zero()) rules.remembered_max = 0;
  return rules;
}

// Listens to what is due and what is to be undone, then to the parts: who resets goes backwards.
class CompositionWiring {
 public:
  CompositionWiring(Dispatcher& dispatcher, const CompositionOptions& options, Site site,
                    SubscriptionBag& subscriptions)
      : dispatcher_(dispatcher), options_(options), site_(site), subscriptions_(subscriptions) {}

  void Undo(const std::shared_ptr<CompositionRun>& run, std::uint64_t id) {
    ListenerOptions options = Queued(".undo");
    options.retry = options_.undo_retry;
    options.dead_letters = true;
    options.filter = [id](const CompositionUndo& undo) { return undo.id == id; };
    subscriptions_ += dispatcher_.Subscribe(
        [run](const CompositionUndo& undo) { return run->Undo(undo); }, std::move(options), site_);
  }

  void Due(const std::shared_ptr<CompositionRun>& run, std::uint64_t id) {
    ListenerOptions options = Queued(".due");
    options.filter = [id](const CompositionDue& due) { return due.id == id; };
    subscriptions_ += dispatcher_.Subscribe(
        [run](const CompositionDue&) { return run->HandleDue(); }, std::move(options), site_);
  }

  // One listener for all parts of a type.
  void Parts(const std::shared_ptr<CompositionRun>& run) {
    const std::vector<PartPlan>& parts = run->plan().parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::vector<std::size_t> same;
      for (std::size_t j = 0; j < parts.size(); ++j) {
        if (parts[j].type == parts[i].type) same.push_back(j);
      }
      if (same.front() != i) continue;
      subscriptions_ += parts[i].subscribe(
          dispatcher_,
          [run, same](const void* event, Context& context) {
            return run->Take(same, event, context);
          },
          {.name = options_.name, .run = Run::kInline}, site_);
    }
  }

 private:
  ListenerOptions Queued(const char* suffix) const {
    return {.name = options_.name + suffix,
            .executor = options_.executor,
            .overflow = Overflow::Reject()};
  }

  Dispatcher& dispatcher_;
  const CompositionOptions& options_;
  const Site site_;
  SubscriptionBag& subscriptions_;
};

std::vector<PartInfo> InfosOf(const std::vector<PartPlan>& parts) {
  std::vector<PartInfo> infos;
  infos.reserve(parts.size());
  for (const PartPlan& part : parts) {
    if (!part.gives_up) infos.push_back({part.type, part.name});
  }
  return infos;
}

// The oldest few of what is open.
std::vector<std::string> Listed(const CompositionCore& core) {
  constexpr std::size_t kListed = 10;
  std::vector<std::string> texts;
  for (const OpenComposition& open : core.GetOpen(kListed)) texts.push_back(ToString(open));
  const std::uint64_t all = core.GetStats().open;
  if (all > texts.size()) {
    texts.push_back("composition " + core.name() + ": " + std::to_string(all - texts.size()) +
                    " more");
  }
  return texts;
}

bool AnyUndo(const std::vector<PartPlan>& parts) {
  bool any = false;
  for (const PartPlan& part : parts) any = any || part.undo;
  return any;
}

}  // namespace

// --- Its beginning -------------------------------------------------------------------------------

Composition CompositionPlan::Start(Dispatcher& dispatcher, CompositionPlan plan, Site site) {
  CompositionOptions& options = plan.options;
  if (options.name.empty()) options.name = std::string(plan.emits.name());
  const auto refuse = [&](absl::Status why) {
    return Composition(std::make_unique<Composition::Impl>(std::move(why)));
  };
  const std::string complaint = Complaint(plan);
  if (!complaint.empty()) {
    return refuse(absl::InvalidArgumentError("composition \"" + options.name + "\": " + complaint));
  }
  const CompositionRules rules = RulesOf(plan);
  const bool timed = rules.within != Nanoseconds::zero() || rules.quiet != Nanoseconds::zero();
  if (timed && !dispatcher.closed() && dispatcher.timers() == nullptr) {
    return refuse(absl::FailedPreconditionError(
        "composition \"" + options.name + "\": a synchronous dispatcher needs timers for it"));
  }
  auto core =
      std::make_shared<CompositionCore>(dispatcher, options.name, rules, InfosOf(plan.parts));
  auto impl = std::make_unique<Composition::Impl>(core);
  impl->source = dispatcher.AddSource(
      options.name,
      [weak = std::weak_ptr(core)] {
        if (const auto stopped = weak.lock()) stopped->Stop();
      },
      [weak = std::weak_ptr(core)] {
        const auto asked = weak.lock();
        return asked == nullptr ? std::vector<std::string>() : Listed(*asked);
      });
  const auto run = std::make_shared<CompositionRun>(std::move(plan), core);
  CompositionWiring wiring(dispatcher, run->plan().options, site, impl->subscriptions);
  if (AnyUndo(run->plan().parts)) wiring.Undo(run, core->id());
  if (timed) wiring.Due(run, core->id());
  wiring.Parts(run);
  impl->status = impl->subscriptions.status();
  if (!impl->status.ok()) {
    impl->Reset();
  } else {
    impl->running = true;
  }
  return Composition(std::move(impl));
}

// --- Its face ------------------------------------------------------------------------------------

Composition::Composition() = default;
Composition::Composition(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Composition::Composition(Composition&& other) noexcept = default;
Composition& Composition::operator=(Composition&& other) noexcept = default;
Composition::~Composition() = default;

ResetResult Composition::Reset() { return impl_ == nullptr ? ResetResult::kDone : impl_->Reset(); }

Composition::operator bool() const { return impl_ != nullptr && impl_->running; }

std::vector<OpenComposition> Composition::GetOpen() const {
  if (impl_ == nullptr || impl_->core == nullptr) return {};
  return impl_->core->GetOpen(std::numeric_limits<std::size_t>::max());
}

CompositionStats Composition::GetStats() const {
  if (impl_ == nullptr || impl_->core == nullptr) return {};
  return impl_->core->GetStats();
}

absl::Status Composition::status() const {
  return impl_ == nullptr ? absl::OkStatus() : impl_->status;
}

}  // namespace belfry
