// A framing, the bytes that it is fed, and in which pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "belfry/framing.h"

namespace belfry {

// What `each` does besides, in one of its calls.
enum class EachDoes { kNothing, kStops, kDestroys, kThrows };

struct FramingPlan {
  std::variant<LineFramingOptions, LengthFramingOptions, FixedFramingOptions> options;
  std::string bytes{};
  std::vector<std::size_t> cuts{};  // where a piece ends and the next one begins, in order
  EachDoes each_does = EachDoes::kNothing;
  std::size_t in_call = 0;
};

// What came of it.
struct Framed {
  std::vector<std::string> frames;
  std::size_t kept = 0;
  bool ended = false;
  std::string error;  // of the Feed that first had one
  // What may never be: a frame that was copied though it was whole, a call after the end, ...
  std::string wrong;
  friend bool operator==(const Framed&, const Framed&) = default;
};

// By one who has all bytes at once, and knows nothing of pieces.
Framed FrameAtOnce(const FramingPlan& plan);
// By the library.
Framed FrameInPieces(const FramingPlan& plan);

// Any bytes are a plan.
FramingPlan PlanFrom(std::string_view bytes);
// Both of them, and how they differ; "" if they do not.
std::string Difference(const FramingPlan& plan);

}  // namespace belfry
