#include "event/registry.h"

#include <cxxabi.h>

#include <cctype>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "belfry/check.h"
#include "belfry/event_type.h"
#include "sync/sync.h"

namespace belfry {
namespace {

// The table of event types: the only process-wide state of the library. Never destroyed, since
// events may be published while static objects go. Copies the names, since a plugin's memory may
// go.
class EventTypeTable {
 public:
  static EventTypeTable& Instance() {
    static EventTypeTable& table = *new EventTypeTable;
    return table;
  }

  EventType Intern(EventName identity, std::size_t size, std::size_t alignment, const void* tag) {
    const sync::Lock lock(mutex_);
    const auto index = static_cast<std::uint32_t>(records_.size());
    const auto [known, added] = records_.try_emplace(Key{std::string(identity.name), tag});
    EventTypeRecord& record = known->second;
    if (added) {
      record = {known->first.first, index, identity.schema_version, size, alignment};
    } else {
      RequireSameLayout(record, identity, size, alignment);
    }
    return EventType(record);
  }

 private:
  using Key = std::pair<std::string, const void*>;

  static void RequireSameLayout(const EventTypeRecord& known, EventName identity, std::size_t size,
                                std::size_t alignment) {
    if (known.size == size && known.alignment == alignment &&
        known.schema_version == identity.schema_version) {
      return;
    }
    const auto describe = [](std::size_t bytes, std::size_t align, std::uint32_t version) {
      return std::to_string(bytes) + " bytes aligned to " + std::to_string(align) +
             ", schema version " + std::to_string(version);
    };
    const std::string message = "two event types claim the name \"" + std::string(identity.name) +
                                "\": one has " +
                                describe(known.size, known.alignment, known.schema_version) +
                                ", the other " + describe(size, alignment, identity.schema_version);
    CheckFailed(__FILE__, __LINE__, "one name, one layout", message);
  }

  sync::Mutex mutex_;
  // Nodes stay where they are, and an insertion that finds no memory changes nothing.
  std::map<Key, EventTypeRecord> records_ ABSL_GUARDED_BY(mutex_);
};

// Whether `word`, one identifier of a compiler's spelling, leaves no doubt what it names.
bool IsUniqueWord(std::string_view word) {
  if (word.find("::") != std::string_view::npos) return true;
  if (std::isdigit(static_cast<unsigned char>(word.front())) != 0) return true;
  for (const std::string_view builtin :
       {"bool", "char", "char8_t", "char16_t", "char32_t", "wchar_t", "short", "int", "long",
        "unsigned", "signed", "float", "double", "void", "const", "volatile", "true", "false",
        "__int128"}) {
    if (word == builtin) return true;
  }
  return false;
}

// Compilers spell unnamed and local things with characters that no qualified name has, and clang
// spells local types without any qualification: every word must be qualified or built in.
bool HasUniqueWords(std::string_view name) {
  constexpr std::string_view kWordBreaks = "<>,&*[] ";
  while (!name.empty()) {
    const std::size_t start = name.find_first_not_of(kWordBreaks);
    if (start == std::string_view::npos) break;
    name.remove_prefix(start);
    const std::string_view word = name.substr(0, name.find_first_of(kWordBreaks));
    if (word.find_first_of("(){}$'`#") != std::string_view::npos || !IsUniqueWord(word)) {
      return false;
    }
    name.remove_prefix(word.size());
  }
  return true;
}

}  // namespace

EventType InternEventType(EventName identity, std::size_t size, std::size_t alignment,
                          const void* tag) {
  BELFRY_CHECK(!identity.name.empty(), "an event type needs a name");
  if (identity.name.size() > kEventNameMax) {
    const std::string message = "an event type's name has " + std::to_string(identity.name.size()) +
                                " bytes, at most " + std::to_string(kEventNameMax) +
                                " are allowed: declare a shorter one with BELFRY_EVENT_NAME";
    CheckFailed(__FILE__, __LINE__, "one name, one layout", message);
  }
  return EventTypeTable::Instance().Intern(identity, size, alignment, tag);
}

bool IsUniqueTypeName(std::string_view name, const char* mangled) {
  if (!HasUniqueWords(name)) return false;
  if (mangled == nullptr) return true;
  int failed = 0;
  char* const demangled = abi::__cxa_demangle(mangled, nullptr, nullptr, &failed);
  const bool unique = failed == 0 && HasUniqueWords(demangled);
  std::free(demangled);
  return unique;
}

std::uint64_t ReserveListenerNumbers(std::uint64_t count) {
  static sync::Atomic<std::uint64_t> next{1};
  return next.fetch_add(count, std::memory_order_relaxed);
}

}  // namespace belfry
