// Events as JSON, by their description (Boost.Describe). Needs Boost 1.81 or newer (link
// Boost::json), and no header that does without Boost includes it.
//
//   struct OrderPlaced {
//     std::int64_t order = 0;
//     std::optional<std::string> pizza;
//   };
//   BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order, pizza))
//
// Then:
//
//   const std::string text = belfry::WriteJson(OrderPlaced{7, "margherita"});
//   const absl::StatusOr<OrderPlaced> order = belfry::ReadJson<OrderPlaced>(text);
//
// Schemas may grow: keys that the description does not have are passed over, and what is missing,
// or null, may be optional. An empty optional is left out. Enumerations are numbers.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "belfry/json_reader.h"
#include "belfry/json_value.h"

namespace belfry {

// Fields may be numbers, bools, texts (std::string, arrays of char), enumerations, described types,
// and optionals, arrays, vectors and maps of these.
// Thread safety: any thread, for an event that nobody changes. Throws std::bad_alloc.
template <Described E>
std::string WriteJson(const E& event) {
  return boost::json::serialize(JsonValueOf(event));
}

// Errors: INVALID_ARGUMENT, saying what is wrong and where. Throws std::bad_alloc.
template <Described E>
absl::StatusOr<E> ReadJson(std::string_view text) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  if (error) return absl::InvalidArgumentError("no JSON: " + error.message());
  E event{};
  const std::string complaint = ReadJsonValue(value, event);
  if (!complaint.empty()) return absl::InvalidArgumentError("JSON of another event: " + complaint);
  return event;
}

}  // namespace belfry
