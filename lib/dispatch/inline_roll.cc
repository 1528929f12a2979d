#include "dispatch/inline_roll.h"

#include <algorithm>
#include <string>
#include <utility>

#include "dispatch/thread_record.h"
#include "dispatch/topic.h"

namespace belfry {
namespace {

// What is left of the offered deliveries was handled. Of a pass that is under way, those still to
// be called are among them.
DeliveryCounts Derive(DeliveryCounts counts, std::uint64_t running) {
  const std::uint64_t ended = counts.dead + counts.filtered + counts.cancelled;
  const std::uint64_t left = counts.offered - std::min(counts.offered, ended);
  counts.running = std::min(running, left);  // while a failure is told, the listener is current
  counts.handled = left - counts.running;
  return counts;
}

}  // namespace

InlineRoll::~InlineRoll() {
  for (ThreadRecord* thread = ThreadRecord::First(); thread != nullptr; thread = thread->next) {
    if (PassCount* const count = thread->counts.Find(number())) {
      count->set = 0;
      count->settled = false;
      count->passes.store(0, std::memory_order_relaxed);
    }
  }
}

void InlineRoll::CountFailed(InlineListener& listener) {
  listener.failed_.fetch_add(1, std::memory_order_relaxed);
  failed_.fetch_add(1, std::memory_order_relaxed);
}

void InlineRoll::CountFiltered(InlineListener& listener) {
  listener.filtered_.fetch_add(1, std::memory_order_relaxed);
  filtered_.fetch_add(1, std::memory_order_relaxed);
}

void InlineRoll::Enter(InlineListener& listener, std::uint64_t born) {
  mutex_.AssertHeld();
  listener.born_ = born;
  listener.passes_before_ = passes_;
  listener.failed_.store(0, std::memory_order_relaxed);
  listener.filtered_.store(0, std::memory_order_relaxed);
  listener.younger_ = nullptr;
  listener.older_ = youngest_;
  if (youngest_ != nullptr) youngest_->younger_ = &listener;
  youngest_ = &listener;
  ++live_;
}

void InlineRoll::Leave(InlineListener& listener) {
  mutex_.AssertHeld();
  if (listener.younger_ != nullptr) listener.younger_->older_ = listener.older_;
  if (listener.older_ != nullptr) listener.older_->younger_ = listener.younger_;
  if (youngest_ == &listener) youngest_ = listener.older_;
  --live_;
}

void InlineRoll::HandIn(PassCount& count, std::uint64_t word) {
  mutex_.AssertHeld();
  Attribute(count.passes.load(std::memory_order_relaxed), {count.set, count.listeners});
  count.passes.store(0, std::memory_order_relaxed);
  count.set = word;
  count.listeners = live_;
  count.settled = false;
}

bool InlineRoll::MayHideAPass(std::uint64_t seen_by_all) const {
  mutex_.AssertHeld();
  const ThreadRecord* const self = ThreadRecord::Current();
  for (ThreadRecord* thread = ThreadRecord::First(); thread != nullptr; thread = thread->next) {
    const PassCount* const count = thread == self ? nullptr : thread->counts.Find(number());
    if (count != nullptr && count->settled && count->set >= seen_by_all) return true;
  }
  return false;
}

void InlineRoll::CountPass(const InlineSet& set) { Attribute(1, set); }

// Passes that were made with an older listener set are not of those who came later.
void InlineRoll::Attribute(std::uint64_t passes, const InlineSet& set) {
  mutex_.AssertHeld();
  passes_ += passes;
  offered_ += passes * set.listeners;
  for (InlineListener* listener = youngest_;
       listener != nullptr && listener->born_ > InlineSet::VersionOf(set.word);
       listener = listener->older_) {
    listener->passes_before_ += passes;
  }
}

template <class Visit>
void InlineRoll::ForEachCount(Visit visit) const {
  mutex_.AssertHeld();
  for (ThreadRecord* thread = ThreadRecord::First(); thread != nullptr; thread = thread->next) {
    const PassCount* const count = thread->counts.Find(number());
    if (count != nullptr && count->set != 0) {
      visit(*count, count->passes.load(std::memory_order_relaxed));
    }
  }
}

DeliveryCounts InlineRoll::CountsOf(const InlineListener& listener) const {
  mutex_.AssertHeld();
  DeliveryCounts counts;
  counts.offered = passes_ - listener.passes_before_;
  ForEachCount([&](const PassCount& count, std::uint64_t passes) {
    if (InlineSet::VersionOf(count.set) >= listener.born_) counts.offered += passes;
  });
  counts.dead = listener.failed_.load(std::memory_order_relaxed);
  counts.filtered = listener.filtered_.load(std::memory_order_relaxed);
  std::uint64_t running = 0;
  for (const InlineListener* l = &listener; l != nullptr; l = l->former_) {
    Frame::ForEach([&](const Frame& frame) { running += frame.Calls(l->place()); });
  }
  return Derive(counts, running);
}

InlineRoll::Totals InlineRoll::totals() const {
  mutex_.AssertHeld();
  Totals totals{passes_, {}};
  totals.deliveries.offered = offered_;
  ForEachCount([&](const PassCount& count, std::uint64_t passes) {
    totals.passes += passes;
    totals.deliveries.offered += passes * count.listeners;
  });
  totals.deliveries.dead = failed_.load(std::memory_order_relaxed);
  totals.deliveries.filtered = filtered_.load(std::memory_order_relaxed);
  totals.deliveries.cancelled = uncalled_.load(std::memory_order_relaxed);
  std::uint64_t running = 0;
  Frame::ForEach(
      [&](const Frame& frame) { running += frame.inside() == &topic_ && frame.calls(); });
  totals.deliveries = Derive(totals.deliveries, running);
  return totals;
}

std::vector<ListedListener> InlineRoll::List() const {
  struct Row {
    ListenerId id;
    ListenerTraits traits;
    Place place;
    std::size_t name_size;
    DeliveryCounts counts;
    bool muted;
  };
  // Nothing is allocated under the lock: there must be room before.
  std::vector<Row> rows;
  std::string names;
  for (bool fits = false; !fits;) {
    rows.reserve(rows.capacity() * 2 + 16);
    names.reserve(names.capacity() * 2 + 1);
    const sync::Lock lock(mutex_);
    rows.clear();
    names.clear();
    fits = true;
    for (const InlineListener* l = youngest_; l != nullptr && fits; l = l->older_) {
      const std::string_view name = l->given_name();
      fits = rows.size() < rows.capacity() && name.size() <= names.capacity() - names.size();
      if (!fits) break;
      ListenerTraits traits = l->MarkedTraits();
      traits.run = belfry::Run::kInline;
      rows.push_back(
          {l->id(), traits, l->place(), name.size(), CountsOf(*l), l->group_->IsMuted(l->index_)});
      names += name;
    }
  }
  std::vector<ListedListener> listeners;
  std::string_view left = names;
  for (const Row& row : rows) {
    const std::string_view name = left.substr(0, row.name_size);
    left.remove_prefix(row.name_size);
    listeners.push_back(
        {{row.id,
          name.empty() ? Listener::DefaultName(topic_.type(), row.traits.site) : std::string(name),
          topic_.type(), row.counts, row.traits, row.muted},
         row.place,
         0});
  }
  return listeners;
}

}  // namespace belfry
