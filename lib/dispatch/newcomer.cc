#include "dispatch/newcomer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "dispatch/ranking.h"
#include "dispatch/topic.h"

namespace belfry {

struct Newcomer::Row {
  const Listener* listener = nullptr;  // null: the one who subscribes
  ListenerId id = 0;
  Site site{};
  std::shared_ptr<const ListenerOrder> order{};
  std::string_view name{};
};

Newcomer::Newcomer(Topic& topic, ListenerOptions& options, Site site, bool synchronous)
    : topic_(topic),
      options_(options),
      site_(site),
      synchronous_(synchronous),
      order_(options.order.asked() ? std::make_shared<const ListenerOrder>(std::move(options.order))
                                   : nullptr) {}

bool Newcomer::has_place() const {
  return (found_ != nullptr && found_->as_of == topic_.changes()) || (!asks() && !topic_.ordered());
}

// Those who are there now, in order of subscription; `names` has theirs.
std::vector<Newcomer::Row> Newcomer::List(std::string& names, std::uint64_t& as_of) const {
  std::vector<Row> rows;
  for (bool fits = false; !fits;) {
    // Nothing is allocated under the lock: there must be room before.
    rows.clear();
    rows.reserve(rows.capacity() * 2 + 16);
    names.clear();
    names.reserve(names.capacity() * 2 + 256);
    fits = true;
    as_of = topic_.ForEachInOrder(synchronous_, [&](const Listener& listener) {
      const std::string_view name = listener.given_name();
      const std::size_t at = names.size();
      fits = fits && rows.size() < rows.capacity() && name.size() <= names.capacity() - at;
      if (!fits) return;
      names += name;
      rows.push_back({&listener, listener.id(), listener.site(), listener.order(),
                      std::string_view(names).substr(at)});
    });
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
  return rows;
}

bool Newcomer::FindPlace() {
  found_ = std::make_unique<Found>();
  std::string names;
  std::vector<Row> rows = List(names, found_->as_of);
  rows.push_back({nullptr, 0, site_, order_, options_.name});
  const bool some_ask =
      std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.order != nullptr; });
  if (!some_ask) return true;

  std::vector<Ranked> ranked;
  ranked.reserve(rows.size());
  for (const Row& row : rows) {
    ranked.push_back(
        {row.name.empty() ? Listener::DefaultName(topic_.type(), row.site) : std::string(row.name),
         row.order.get()});
  }
  const Ranking ranking = Rank(ranked);
  if (!ranking.complaint.empty()) {
    found_->complaint = "listener \"" + ranked.back().name + "\": " + ranking.complaint;
    return false;
  }
  for (const std::size_t index : ranking.order) found_->listeners.push_back(rows[index].listener);
  if (synchronous_) {
    found_->turns = std::make_shared<TurnOrder>();
    for (const std::size_t index : ranking.order) found_->turns->push_back(rows[index].id);
  }
  if (order_ == nullptr) return true;
  Warn(ranked, order_->before, "before", *found_);
  Warn(ranked, order_->after, "after", *found_);
  return true;
}

// Of names that nobody has.
void Newcomer::Warn(const std::vector<Ranked>& listeners, const std::vector<std::string>& names,
                    std::string_view where, Found& found) const {
  for (auto name = names.begin(); name != names.end(); ++name) {
    const bool known = std::any_of(listeners.begin(), listeners.end(),
                                   [&](const Ranked& other) { return other.name == *name; });
    if (known || std::find(names.begin(), name, *name) != name) continue;
    found.warnings.push_back("listener \"" + listeners.back().name + "\" is to be called " +
                             std::string(where) + " \"" + *name + "\", and no " +
                             (synchronous_ ? "" : "inline ") + "listener of " +
                             std::string(topic_.type().name()) + " has that name yet");
  }
}

void Newcomer::Become(Listener& listener) {
  if (asks()) listener.SetOrder(order_);
  if (!synchronous_ || found_ == nullptr || found_->as_of != topic_.changes()) return;
  std::shared_ptr<TurnOrder>& turns = found_->turns;
  if (turns != nullptr) std::replace(turns->begin(), turns->end(), ListenerId{0}, listener.id());
  found_->former = turns;
  topic_.SwapTurnOrder(found_->former);
}

}  // namespace belfry
