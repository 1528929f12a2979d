#include "belfry/describe_stats.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace belfry {
namespace {

// Cells in columns that are as wide as their widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }

  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Numbers to the right; a column of zeros is left out.
  std::string Text() const {
    std::string text;
    std::vector<Column> columns;
    for (std::size_t i = 0; i < rows_[0].size(); ++i) columns.push_back(ColumnOf(i));
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (columns[i].shown) line += "  " + Padded(row[i], columns[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  struct Column {
    std::size_t width = 0;
    bool number = true;
    bool shown = false;
  };
  static std::string Padded(const std::string& cell, const Column& column) {
    const std::string blanks(column.width - cell.size(), ' ');
    return column.number ? blanks + cell : cell + blanks;
  }
  Column ColumnOf(std::size_t index) const {
    Column column{.width = rows_[0][index].size()};
    for (std::size_t i = 1; i < rows_.size(); ++i) {
      const std::string& cell = rows_[i][index];
      column.width = std::max(column.width, cell.size());
      if (cell.find_first_not_of("0123456789") != std::string::npos) column.number = false;
      column.shown = column.shown || (cell != "0" && !cell.empty());
    }
    return column;
  }

  std::vector<std::vector<std::string>> rows_;
};

const std::vector<std::string> kCounts{"offered", "handled",   "dead",    "filtered",
                                       "dropped", "coalesced", "expired", "cancelled",
                                       "queued",  "running",   "retrying"};

void AppendCounts(std::vector<std::string>& cells, const DeliveryCounts& counts) {
  for (const std::uint64_t count :
       {counts.offered, counts.handled, counts.dead, counts.filtered, counts.dropped,
        counts.coalesced, counts.expired, counts.cancelled, counts.queued, counts.running,
        counts.retrying}) {
    cells.push_back(std::to_string(count));
  }
}

std::vector<std::string> Heads(std::vector<std::string> first, const std::string& last) {
  first.insert(first.end(), kCounts.begin(), kCounts.end());
  if (!last.empty()) first.push_back(last);
  return first;
}

std::string SiteText(Site site) { return std::string(site.file) + ":" + std::to_string(site.line); }

// Those that differ from a listener's that was subscribed without any.
std::string OptionsText(const ListenerStats& listener) {
  const ListenerTraits& traits = listener.traits;
  const ListenerTraits usual;
  std::string text;
  const auto add = [&](bool differs, const std::string& option) {
    if (differs) text += (text.empty() ? "" : ", ") + option;
  };
  const auto number = [](auto value) { return " " + std::to_string(value); };
  add(traits.run == Run::kInline, "inline");
  if (traits.run == Run::kQueued) {
    const QueueLimit queue = ListenerOptions().queue;
    add(traits.queue.events_max != queue.events_max,
        "events_max" + number(traits.queue.events_max));
    add(traits.queue.bytes_max != queue.bytes_max, "bytes_max" + number(traits.queue.bytes_max));
    add(traits.overflow != usual.overflow, std::string(ToString(traits.overflow)));
    add(traits.concurrency != usual.concurrency, "concurrency" + number(traits.concurrency));
    add(traits.starvation_max != usual.starvation_max,
        "starvation_max" + number(traits.starvation_max));
    add(traits.attempts_max != usual.attempts_max, "attempts_max" + number(traits.attempts_max));
    add(traits.deadline != usual.deadline,
        "deadline" + number(traits.deadline.count() / 1'000'000) + " ms");
  }
  add(traits.phase != usual.phase, std::string(ToString(traits.phase)));
  add(traits.priority != usual.priority, "priority" + number(traits.priority));
  add(traits.dead_letters, "dead letters");
  add(traits.keyed, "keyed");
  add(traits.filtered, "filtered");
  add(traits.once, "once");
  add(traits.owned, "owned");
  add(traits.suspends, "coroutine");
  add(listener.muted, "muted");
  return text;
}

std::string TypesText(const Stats& stats) {
  Table table(Heads({"type", "published", "refused", "orphaned"}, ""));
  for (const TypeStats& type : stats.types) {
    std::vector<std::string> cells{std::string(type.event_type.name()),
                                   std::to_string(type.published), std::to_string(type.refused),
                                   std::to_string(type.orphaned)};
    AppendCounts(cells, type.deliveries);
    table.Add(std::move(cells));
  }
  return table.Text();
}

std::string ListenersText(const Stats& stats) {
  Table table(Heads({"listener", "of", "subscribed at"}, "options"));
  for (const ListenerStats& listener : stats.listeners) {
    std::vector<std::string> cells{listener.name, std::string(listener.event_type.name()),
                                   SiteText(listener.traits.site)};
    AppendCounts(cells, listener.deliveries);
    cells.push_back(OptionsText(listener));
    table.Add(std::move(cells));
  }
  return table.Text();
}

}  // namespace

std::string Describe(const Stats& stats) {
  std::string text = "event types: " + std::to_string(stats.types.size()) + "\n";
  if (!stats.types.empty()) text += TypesText(stats);
  text += "listeners: " + std::to_string(stats.listeners.size()) + "\n";
  if (!stats.listeners.empty()) text += ListenersText(stats);
  text += "to be published later: " + std::to_string(stats.scheduled) +
          ", dead letters: " + std::to_string(stats.dead_letters) + "\n";
  return text;
}

}  // namespace belfry
