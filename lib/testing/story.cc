#include "belfry/testing/story.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "belfry/testing/duration.h"
#include "belfry/testing/show.h"

namespace belfry::testing {

std::string_view ToString(DeliveryOutcome::Kind how) {
  switch (how) {
    case DeliveryOutcome::Kind::kHandled:
      return "handled";
    case DeliveryOutcome::Kind::kFailed:
      return "failed on";
    case DeliveryOutcome::Kind::kFiltered:
      return "did not get";
    case DeliveryOutcome::Kind::kRefused:
      return "refused";
    case DeliveryOutcome::Kind::kDropped:
      return "dropped";
    case DeliveryOutcome::Kind::kCoalesced:
      return "got a later one than";
    case DeliveryOutcome::Kind::kExpired:
      return "was too late for";
    case DeliveryOutcome::Kind::kCancelled:
      return "was ended before";
  }
  return "?";
}

std::string Show(const RecordedEvent& event) { return Show(event.type, event.event.get()); }

namespace {

// The lines of one record, in the order in which things happened.
class Storyteller {
 public:
  explicit Storyteller(const Record& record) : record_(record) {
    for (std::size_t i = 0; i < record.events.size(); ++i) {
      if (record.events[i].result.ok()) numbers_[record.events[i].id.sequence] = i + 1;
    }
  }

  std::vector<std::string> Tell() {
    for (const Happening& happening : record_.happenings) Tell(happening);
    return std::move(lines_);
  }

 private:
  void Tell(const Happening& happening) {
    using Kind = Happening::Kind;
    const auto add = [&](std::string text) {
      std::string time = "+" + ShowDuration(happening.at);
      time.resize(std::max<std::size_t>(time.size() + 1, 9), ' ');
      lines_.push_back("  " + time + std::move(text));
    };
    if (happening.kind == Kind::kNote) return add("* " + happening.text);
    if (happening.event >= record_.events.size()) return;
    const RecordedEvent& event = record_.events[happening.event];
    const std::string number = "#" + std::to_string(happening.event + 1);
    const std::string by = event.by.empty() ? "" : event.by + " ";
    switch (happening.kind) {
      case Kind::kPublished:
        return add(by + "published " + number + " " + Show(event) + CauseOf(event));
      case Kind::kRefused:
        return add(by + "could not publish " + std::string(ShortName(event.type)));
      case Kind::kOrphaned:
        return add("nobody listens to " + number);
      default:
        break;
    }
    const RecordedDelivery& delivery = event.deliveries.at(happening.delivery);
    switch (happening.kind) {
      case Kind::kBegun:
        return add("  " + delivery.name + " <- " + number);
      case Kind::kAttemptFailed:
        return add("  " + delivery.name + " failed on " + number +
                   ", which is tried again: " + happening.text);
      default:
        // That all went well is not worth a line of its own.
        if (delivery.how == DeliveryOutcome::Kind::kHandled) return;
        return add("  " + delivery.name + " " + std::string(ToString(delivery.how)) + " " + number +
                   (delivery.what.empty() ? "" : ": " + delivery.what));
    }
  }

  std::string CauseOf(const RecordedEvent& event) const {
    const auto cause = numbers_.find(event.cause.sequence);
    return event.cause && cause != numbers_.end() ? ", by #" + std::to_string(cause->second) : "";
  }

  const Record& record_;
  std::map<std::uint64_t, std::size_t> numbers_;  // of events, by id
  std::vector<std::string> lines_;
};

}  // namespace

std::string TellStory(const Record& record) {
  constexpr std::size_t kLinesMax = 60;
  const std::vector<std::string> lines = Storyteller(record).Tell();
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines.size() > kLinesMax && i == kLinesMax / 2) {
      const std::size_t left_out = lines.size() - kLinesMax;
      text += "  ... " + std::to_string(left_out) + " lines left out ...\n";
      i += left_out;
    }
    text += lines[i] + "\n";
  }
  return text;
}

}  // namespace belfry::testing
