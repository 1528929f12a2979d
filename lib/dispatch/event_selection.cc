#include "belfry/event_selection.h"

#include <algorithm>
#include <string_view>

#include "dispatch/library_event.h"

namespace belfry {
namespace {

// Whether `*` in the pattern can stand for something that makes it the name. On a mismatch the
// latest `*` takes one character more.
bool Matches(std::string_view pattern, std::string_view name) {
  std::size_t in_pattern = 0;
  std::size_t in_name = 0;
  std::size_t star = std::string_view::npos;
  std::size_t behind_star = 0;
  while (in_name < name.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      behind_star = in_name;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == name[in_name]) {
      ++in_pattern;
      ++in_name;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      in_name = ++behind_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

}  // namespace

bool EventSelection::Selects(EventType type) const {
  if (all_) return !IsLibraryEvent(type);
  if (!types_.empty()) return std::find(types_.begin(), types_.end(), type) != types_.end();
  return type.schema_version() > 0 && Matches(pattern_, type.name());
}

std::string EventSelection::Describe() const {
  if (all_) return "all events";
  if (types_.empty()) return pattern_;
  std::string text;
  for (const EventType type : types_) {
    text += (text.empty() ? "" : ", ") + std::string(type.name());
  }
  return text;
}

std::string EventSelection::Complaint() const {
  if (all_ || !types_.empty()) return {};
  if (pattern_.empty()) return "the pattern for the names of its events is empty";
  if (pattern_.size() > kEventNameMax) {
    return "the pattern for the names of its events has " + std::to_string(pattern_.size()) +
           " bytes, at most " + std::to_string(kEventNameMax) + " are allowed";
  }
  return {};
}

}  // namespace belfry
