#include "explore/trace.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace belfry::explore {
namespace {

// Small numbers as such, addresses and bit patterns as these.
std::string Shown(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof(text), value < 100'000 ? "%" PRIu64 : "0x%" PRIx64, value);
  return text;
}

std::string Line(const TraceEntry& entry) {
  std::string what = entry.what;
  if (entry.object.type != ' ') what += " " + ToString(entry.object);
  if (entry.has_value) {
    what += " = " + Shown(entry.before);
    if (entry.changed) what += " -> " + Shown(entry.after);
  }
  if (entry.times > 1) what += ", after " + std::to_string(entry.times - 1) + " more";
  char text[256];
  std::snprintf(text, sizeof(text), "%6" PRIu64 "  %*sT%u  %-44s %s\n", entry.step,
                static_cast<int>(2 * entry.thread), "", entry.thread, what.c_str(),
                ToString(entry.where).c_str());
  return text;
}

}  // namespace

std::string ToString(const Where& where) {
  if (where.line == 0) return {};
  const char* const slash = std::strrchr(where.file, '/');
  return std::string(slash == nullptr ? where.file : slash + 1) + ":" + std::to_string(where.line);
}

std::string ToString(const ObjectName& name) {
  const std::string thread =
      name.thread == ObjectName::kOlder ? std::string() : std::to_string(name.thread);
  return name.type + thread + "." + std::to_string(name.number);
}

std::string Trace::Text() const {
  std::string text;
  const std::size_t shown = std::min(count_, kEntriesMax);
  for (std::size_t i = count_ - shown; i < count_; ++i) text += Line(entries_[i % kEntriesMax]);
  return text;
}

}  // namespace belfry::explore
