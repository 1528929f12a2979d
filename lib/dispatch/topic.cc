#include "dispatch/topic.h"

#include <string>
#include <utility>

#include "dispatch/dispatcher_core.h"
#include "event/registry.h"

namespace belfry {

Topic::Topic(DispatcherCore& core, EventType type, bool of_library)
    : core_(core),
      type_(type),
      of_library_(of_library),
      inline_(*this, mutex_),
      queued_(*this, mutex_) {}

Topic::ListenerSet Topic::listeners() const {
  const sync::Lock lock(mutex_);
  const InlineSet inlined = inline_.set();
  return {inlined, !queued_.empty(), queued_.any_takes_context() || inlined.takes_context()};
}

bool Topic::CommitInline(InlineSet& set, bool timed) {
  const sync::Lock lock(mutex_);
  set = inline_.set();
  if (!queued_.empty() || (!timed && set.takes_context())) return false;
  inline_.roll().CountPass(set);
  if (set.listeners == 0) ++orphaned_;
  return true;
}

std::optional<Topic::Accepted> Topic::CommitQueued(Publication& publication,
                                                   QueuedListeners::Size size, bool timed) {
  const sync::Lock lock(mutex_);
  const InlineSet set = inline_.set();
  if (!timed && (queued_.any_takes_context() || set.takes_context())) return std::nullopt;
  const bool counted = !queued_.empty();  // else they have all gone meanwhile
  const bool orphan = set.listeners == 0 && !counted;
  if (set.listeners != 0 || !counted) inline_.roll().CountPass(set);
  if (set.listeners != 0 && counted) ++to_both_;
  if (orphan) ++orphaned_;
  publication.position = queued_.tail();
  return Accepted{set, queued_.Commit(publication, size), orphan};
}

void Topic::CountRefused() {
  const sync::Lock lock(mutex_);
  ++refused_;
}

bool Topic::ShortWayOpen() const {
  return !of_library_ && core_.TakesShortWays() && inline_.set().listeners == 0 &&
         !queued_.any_takes_context();
}

void Topic::QueuedChanged() { inline_.SetQueued(!queued_.empty()); }

void Topic::InlineChanged() {
  if (!queued_.empty()) queued_.UpdateShortWay();
}

ListenerId Topic::NextListenerId() {
  mutex_.AssertHeld();
  constexpr ListenerId kMany = 64;
  if (next_listener_ == listeners_end_) {
    next_listener_ = ReserveListenerNumbers(kMany);
    listeners_end_ = next_listener_ + kMany;
  }
  return next_listener_++;
}

void Topic::Close() {
  const sync::Lock lock(mutex_);
  inline_.SetClosed();
  queued_.UpdateShortWay();
}

std::uint64_t Topic::queued_cancelled() const {
  const sync::Lock lock(mutex_);
  return queued_.cancelled();
}

void Topic::AddTo(Stats& stats) const {
  for (ListedListener& listener : ListListeners()) {
    stats.listeners.push_back(std::move(listener.stats));
  }
  stats.types.push_back({type_});
  const sync::Lock lock(mutex_);
  const InlineRoll::Totals inlined = inline_.roll().totals();
  TypeStats& type = stats.types.back();
  type.published = inlined.passes + queued_.tail() - to_both_;
  type.refused = refused_;
  type.orphaned = orphaned_;
  type.deliveries = inlined.deliveries;
  type.deliveries += queued_.totals();
}

std::vector<ListedListener> Topic::ListListeners() const {
  std::vector<ListedListener> all = inline_.roll().List();
  for (const auto& listener : queued_.List()) {
    all.push_back({{listener->id(), std::string(listener->name()), type_, listener->counts()},
                   listener->place(),
                   listener->started()});
  }
  return all;
}

}  // namespace belfry
