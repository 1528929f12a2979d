// What says of an event whom or what it is about.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "belfry/event_type.h"
#include "belfry/listener_signature.h"

namespace belfry {

// The key of one event. Numbers and texts are themselves; of anything else it is the hash.
struct KeyValue {
  std::uint64_t number = 0;
  std::string text{};
  bool operator==(const KeyValue&) const = default;
};

template <class T>
concept ExactKey =
    std::is_integral_v<T> || std::is_enum_v<T> || std::is_convertible_v<const T&, std::string_view>;

// A projection of events of one type on their keys, made from any callable for `const E&` that
// returns a number, an enumerator, a text, or anything with a std::hash; none without one. E is
// read from its signature.
//
//   auto book = dispatcher.Subscribe(
//       Book, {.key = [](const Payment& payment) { return payment.account; }});
//
// Called on the publishing thread, under no lock, once for each event and listener; on several
// threads at once if several publish. What it throws is a failure of the listener.
class EventKey {
 public:
  EventKey() = default;
  template <class F>
  requires(!std::is_same_v<F, EventKey> && requires { typename EventOfListener<F>; })
      EventKey(F key)  // NOLINT(google-explicit-constructor): an option is given as a lambda
      : type_(EventTypeOf<EventOfListener<F>>()),
        exact_(ExactKey<KeyOf<F>>),
        key_([key = std::move(key)](const void* event, std::string* text) {
          return NumberOf(std::invoke(key, *static_cast<const EventOfListener<F>*>(event)), text);
        }) {}

  explicit operator bool() const { return type_.has_value(); }
  EventType type() const { return *type_; }
  // Whether events with equal values have equal keys for certain.
  bool exact() const { return exact_; }
  // Sets `value`, whose text is used again.
  void Of(const void* event, KeyValue& value) const { value.number = key_(event, &value.text); }
  // The number alone, which events with equal keys share.
  std::uint64_t NumberOf(const void* event) const { return key_(event, nullptr); }

 private:
  template <class F>
  using KeyOf = std::remove_cvref_t<std::invoke_result_t<F&, const EventOfListener<F>&>>;

  template <class T>
  static std::uint64_t NumberOf(const T& key, [[maybe_unused]] std::string* text) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      return static_cast<std::uint64_t>(key);
    } else if constexpr (ExactKey<T>) {
      const std::string_view all = key;
      if (text != nullptr) text->assign(all);
      return std::hash<std::string_view>()(all);
    } else {
      return std::hash<T>()(key);
    }
  }

  std::optional<EventType> type_;
  bool exact_ = false;
  std::function<std::uint64_t(const void*, std::string*)> key_;
};

}  // namespace belfry
