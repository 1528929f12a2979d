#include "testing/claim.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "belfry/testing/show.h"
#include "belfry/testing/story.h"

namespace belfry::testing {

std::string Times(std::size_t count) {
  return count == 0   ? "never"
         : count == 1 ? "once"
         : count == 2 ? "twice"
                      : std::to_string(count) + " times";
}

std::string Times(const Count& count) {
  if (count.max == Count::kNoLimit) return "at least " + Times(count.min);
  return Times(count.min);
}

Candidates FindCandidates(const Record& record, const EventPattern& pattern) {
  Candidates found;
  for (std::size_t i = 0; i < record.events.size(); ++i) {
    const RecordedEvent& event = record.events[i];
    if (event.type != pattern.type() || !WasPublished(event)) continue;
    (pattern.Matches(event) ? found.matching : found.others).push_back(i);
  }
  return found;
}

namespace {

std::set<std::string> WordsOf(const std::string& text) {
  const auto belongs = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '@' || c == '.';
  };
  std::set<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && belongs(text[end])) ++end;
    if (end > begin) words.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

}  // namespace

std::optional<std::size_t> Nearest(const Record& record, const EventPattern& pattern,
                                   const std::vector<std::size_t>& candidates) {
  const std::set<std::string> expected = WordsOf(pattern.Describe());
  std::optional<std::size_t> nearest;
  std::size_t common_max = 0;
  for (const std::size_t candidate : candidates) {
    const std::set<std::string> words = WordsOf(Show(record.events[candidate]));
    const auto common = static_cast<std::size_t>(
        std::count_if(words.begin(), words.end(),
                      [&](const std::string& word) { return expected.contains(word); }));
    if (nearest.has_value() && common <= common_max) continue;
    nearest = candidate;
    common_max = common;
  }
  return nearest;
}

std::string NearMiss(const Record& record, const EventPattern& pattern, std::size_t event) {
  return "#" + std::to_string(event + 1) + ", but " + pattern.WhyNot(record.events[event]);
}

namespace {

// What was published, with the number of each: "SignUpRequested, OrderPlaced twice".
std::string PublishedTypes(const Record& record) {
  std::vector<EventType> types;
  std::map<std::uint32_t, std::size_t> counts;
  for (const RecordedEvent& event : record.events) {
    if (WasPublished(event) && counts[event.type.index()]++ == 0) types.push_back(event.type);
  }
  std::vector<std::string> names;
  for (const EventType type : types) {
    const std::size_t count = counts[type.index()];
    names.push_back(std::string(ShortName(type)) + (count == 1 ? "" : " " + Times(count)));
  }
  return names.empty() ? "nor anything else" : "but these were: " + Enumerate(names);
}

// Deliveries that did not go well: who should have published it may be among them.
std::string WhatWentWrong(const Record& record) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < record.events.size(); ++i) {
    const std::vector<RecordedDelivery>& deliveries = record.events[i].deliveries;
    for (std::size_t j = 0; j < deliveries.size(); ++j) {
      if (deliveries[j].ended && deliveries[j].how == DeliveryOutcome::Kind::kHandled) continue;
      all.push_back("given #" + std::to_string(i + 1) + ", " + deliveries[j].name + " " +
                    Fate(record, {i, j}));
    }
  }
  return Enumerate(all, "; ");
}

std::string WhyNever(const Record& record, EventType type) {
  const std::string name(ShortName(type));
  for (std::size_t i = 0; i < record.events.size(); ++i) {
    const RecordedEvent& event = record.events[i];
    if (event.type != type) continue;
    if (event.result.ok()) return "#" + std::to_string(i + 1) + " was published before";
    return "#" + std::to_string(i + 1) + " was refused: " + event.result.status().ToString();
  }
  const std::string wrong = WhatWentWrong(record);
  return "no " + name + " was published" +
         (wrong.empty() ? ", " + PublishedTypes(record) : "; " + wrong);
}

}  // namespace

void TellWhyNever(const Evidence& evidence, EventType type, Verdict& verdict) {
  verdict.nearest = WhyNever(evidence.record, type);
  verdict.tells_uncalled = !evidence.record.events.empty();
}

std::optional<Verdict> OfUnknownName(const Evidence& evidence, const std::string& listener) {
  if (evidence.listeners == nullptr || HasName(*evidence.listeners, listener)) return std::nullopt;
  return Verdict{.seen = "a name that nobody has",
                 .nearest = listener + " " + WhoIsThere(*evidence.listeners, listener)};
}

// --- The text ---

namespace {

constexpr std::size_t kRowsMax = 12;
constexpr std::size_t kCellMax = 200;

std::string Cut(std::string cell) {
  if (cell.size() <= kCellMax) return cell;
  const std::string left_out = std::to_string(cell.size() - kCellMax);
  return cell.substr(0, kCellMax) + "... (" + left_out + " characters more)";
}

// Two columns; an x marks where they differ.
std::string Table(std::vector<Row> rows) {
  const std::size_t left_out = rows.size() > kRowsMax ? rows.size() - kRowsMax : 0;
  rows.resize(rows.size() - left_out);
  rows.insert(rows.begin(), {"expected", "actual", true});
  std::size_t width = 0;
  for (Row& row : rows) {
    row.expected = Cut(std::move(row.expected));
    row.actual = Cut(std::move(row.actual));
    width = std::max(width, row.expected.size());
  }
  std::string text;
  for (const Row& row : rows) {
    text += (row.fits ? "    " : "  x ") + row.expected +
            std::string(width - row.expected.size(), ' ') + " | " + row.actual + "\n";
  }
  if (left_out > 0) text += "    ... and " + std::to_string(left_out) + " more\n";
  return text;
}

}  // namespace

std::string Explain(const Evidence& evidence, const Verdict& verdict) {
  std::string text = verdict.seen + "\n";
  const auto add = [&](std::string_view title, const std::string& what) {
    if (!what.empty()) text += std::string(title) + ": " + what + "\n";
  };
  if (!verdict.rows.empty()) text += Table(verdict.rows);
  add("nearest miss", verdict.nearest);
  if (verdict.tells_uncalled) {
    add("listeners to which nothing came", Enumerate(NothingCameTo(evidence)));
  }
  if (verdict.about.has_value()) {
    add((verdict.besides.empty() ? "listeners" : "other listeners") +
            (" that have not handled #" + std::to_string(*verdict.about + 1)),
        Enumerate(NotHandledBy(evidence, *verdict.about, verdict.besides), "; "));
  }
  if (evidence.agenda != nullptr) {
    add("still to come, with Run() or RunFor()", Enumerate(evidence.agenda->waiting()));
  }
  if (evidence.dispatcher != nullptr) {
    add("waited for", Enumerate(evidence.dispatcher->SourcesWaitFor(), "; "));
    add("coroutines that wait", Enumerate(WaitingDeliveriesOf(evidence), "; "));
  }
  if (!evidence.explored) {
    const std::string story = TellStory(evidence.record);
    text += story.empty() ? "nothing has happened\n" : "what happened:\n" + story;
  }
  add("to run it again", evidence.replay.empty() ? "" : "BELFRY_REPLAY=" + evidence.replay);
  text.pop_back();
  return text;
}

}  // namespace belfry::testing
