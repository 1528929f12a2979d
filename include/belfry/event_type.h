// Event types: identity by name, interned into a dense index.
//
//   namespace shop {
//   struct OrderPlaced { std::string pizza; };
//   BELFRY_EVENT_NAME(OrderPlaced, "shop.order_placed", 1);   // optional: see below
//   }  // namespace shop
//   belfry::EventType type = belfry::EventTypeOf<shop::OrderPlaced>();
//
// An event is any plain struct. What identifies its type:
//  * a declared name and schema version (BELFRY_EVENT_NAME): the only identity that may leave the
//    module or the process;
//  * otherwise the compiler's qualified name, if no second type can be spelled alike;
//  * otherwise (unqualified, local, unnamed, in an anonymous namespace) that name and the address
//    of a static, so that two such types never meet; they cannot cross a module border.
// Two types of different size or alignment that claim one name are a bug: the second one aborts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include "belfry/export.h"

// A namespace of its own, since g++ leaves out of a type's spelling what encloses the function.
namespace belfry_spelling {

// The compiler's spelling of E.
template <class E>
constexpr std::string_view SpelledTypeName() {
  // g++:   "constexpr std::string_view belfry_spelling::SpelledTypeName() [with E = X; std::..."
  // clang: "std::string_view belfry_spelling::SpelledTypeName() [E = X]"
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("E = ") + 4);
#ifdef __clang__
  return text.substr(0, text.rfind(']'));
#else
  return text.substr(0, text.rfind("; std::string_view"));
#endif
}

}  // namespace belfry_spelling

namespace belfry {

// What is known of one event type. Lives as long as the process.
struct EventTypeRecord {
  std::string_view name;
  std::uint32_t index = 0;           // dense, from 0, in order of first use
  std::uint32_t schema_version = 0;  // 0: not declared
  std::size_t size = 0;
  std::size_t alignment = 0;
};

// A handle on an event type.
//
// Thread safety: a value. Lifetime: valid as long as the process.
class EventType {
 public:
  explicit EventType(const EventTypeRecord& record) : record_(&record) {}

  std::string_view name() const { return record_->name; }
  std::uint32_t index() const { return record_->index; }
  std::uint32_t schema_version() const { return record_->schema_version; }
  std::size_t size() const { return record_->size; }
  std::size_t alignment() const { return record_->alignment; }

  friend bool operator==(EventType, EventType) = default;

 private:
  const EventTypeRecord* record_;
};

// A name declared for an event type, and the version of its fields.
struct EventName {
  std::string_view name;
  std::uint32_t schema_version = 0;
};

// Declares a stable name for `Type`: in its namespace, directly after its definition.
#define BELFRY_EVENT_NAME(Type, event_name, version)                                     \
  [[maybe_unused]] constexpr ::belfry::EventName BelfryEventName(const Type*) noexcept { \
    return ::belfry::EventName{event_name, version};                                     \
  }                                                                                      \
  static_assert((version) > 0, "schema versions start at 1")

// Interns a type: returns the record of `identity`, made at the first call. `tag` tells apart types
// whose names are not unique; null when the name is. Aborts when `identity` is known with another
// size, alignment or schema version, is empty, or is longer than `kEventNameMax` bytes.
// Thread safety: any thread. Blocking: a short lock.
inline constexpr std::size_t kEventNameMax = 1024;
BELFRY_EXPORT EventType InternEventType(EventName identity, std::size_t size, std::size_t alignment,
                                        const void* tag);

// Whether no two types can be spelled `name` by a compiler. `mangled` is what typeid calls the
// type, or null: clang spells what a local type encloses as if that were a namespace, but mangles
// it apart.
BELFRY_EXPORT bool IsUniqueTypeName(std::string_view name, const char* mangled = nullptr);

// Whether E can be known by its spelling alone.
template <class E>
bool IsKnownByName() {
  constexpr std::string_view kName = belfry_spelling::SpelledTypeName<E>();
#if defined(__cpp_rtti)
  return IsUniqueTypeName(kName, typeid(E).name());
#elif defined(__clang__)
  return false;
#else
  return IsUniqueTypeName(kName);
#endif
}

// One address per type, and per module where the type is not visible to others.
template <class E>
inline constexpr char kTypeTag = 0;

// The event type of E. A process may have 65,536 of them, and all its dispatchers together may
// publish or listen to so many, counting each dispatcher's; one more aborts.
// Thread safety: any thread. Throws std::bad_alloc at the first call.
template <class E>
EventType EventTypeOf() {
  static_assert(std::is_same_v<E, std::remove_cvref_t<E>>, "name the event's plain type");
  static_assert(std::is_nothrow_destructible_v<E>, "an event's destructor must not throw");
  static const EventType type = [] {
    if constexpr (requires { BelfryEventName(static_cast<const E*>(nullptr)); }) {
      return InternEventType(BelfryEventName(static_cast<const E*>(nullptr)), sizeof(E), alignof(E),
                             nullptr);
    } else {
      constexpr std::string_view kName = belfry_spelling::SpelledTypeName<E>();
      return InternEventType({kName, 0}, sizeof(E), alignof(E),
                             IsKnownByName<E>() ? nullptr : &kTypeTag<E>);
    }
  }();
  return type;
}

}  // namespace belfry
