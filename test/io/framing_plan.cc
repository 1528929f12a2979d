#include "io/framing_plan.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>

namespace belfry {
namespace {

constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();

struct ThrownByEach {};

std::string Limit(std::string_view what, std::uint64_t bytes, std::uint64_t limit) {
  return std::string(what) + " " + std::to_string(bytes) + " bytes: the limit is " +
         std::to_string(limit);
}

// One frame from the front of `rest`. `taken` is 0 when there is none yet.
struct Next {
  std::size_t taken = 0;
  std::string frame{};
  std::string error{};
};

Next NextFrame(const LineFramingOptions& options, std::string_view rest) {
  const std::size_t end = rest.find('\n');
  const bool whole = end != std::string_view::npos;
  std::string_view line = rest.substr(0, end);
  // A "\r" that is last may be half of the line's end.
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > options.bytes_max) {
    return {.error = Limit("a line of more than", options.bytes_max, options.bytes_max)};
  }
  return {.taken = whole ? end + 1 : 0, .frame = std::string(line)};
}

Next NextFrame(const LengthFramingOptions& options, std::string_view rest) {
  const std::size_t prefix = options.prefix_bytes;
  if (rest.size() < prefix) return {};
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < prefix; ++i) {
    const std::size_t at = options.byte_order == std::endian::big ? i : prefix - 1 - i;
    length = length << 8 | static_cast<unsigned char>(rest[at]);
  }
  if (length > options.bytes_max) return {.error = Limit("a frame of", length, options.bytes_max)};
  if (rest.size() - prefix < length) return {};
  const std::size_t taken = prefix + static_cast<std::size_t>(length);
  const std::size_t from = options.give_prefix ? 0 : prefix;
  return {.taken = taken, .frame = std::string(rest.substr(from, taken - from))};
}

Next NextFrame(const FixedFramingOptions& options, std::string_view rest) {
  if (rest.size() < options.bytes) return {};
  return {.taken = options.bytes, .frame = std::string(rest.substr(0, options.bytes))};
}

std::unique_ptr<LineFraming> Make(const LineFramingOptions& options) {
  return std::make_unique<LineFraming>(options);
}
std::unique_ptr<LengthFraming> Make(const LengthFramingOptions& options) {
  return std::make_unique<LengthFraming>(options);
}
std::unique_ptr<FixedFraming> Make(const FixedFramingOptions& options) {
  return std::make_unique<FixedFraming>(options);
}

// Feeds one piece after the other, and writes down what comes.
template <class Kind>
class Feeder {
 public:
  Feeder(const FramingPlan& plan, std::unique_ptr<Kind> framing)
      : plan_(plan), framing_(std::move(framing)) {}

  Framed Run() {
    std::size_t from = 0;
    for (const std::size_t cut : plan_.cuts) {
      FeedPiece(plan_.bytes.substr(from, cut - from));
      from = cut;
    }
    FeedPiece(plan_.bytes.substr(from));
    framed_.kept = framing_ == nullptr ? 0 : framing_->kept();
    return std::move(framed_);
  }

 private:
  // A copy of its own, gone with this call: so the address sanitizer sees a frame that stays.
  void FeedPiece(const std::string& piece) {
    if (framing_ == nullptr) return;
    const bool ended = framed_.ended;
    // Of what this piece ends the first may have begun in an earlier one.
    may_be_copied_ = framing_->kept() > 0;
    absl::Status status;
    try {
      status = framing_->Feed(piece, [&](std::string_view frame) { Take(piece, frame); });
    } catch (const ThrownByEach&) {
      framed_.ended = true;
      if (framing_->kept() > 0) framed_.wrong += "kept after a throw;";
      return;
    }
    if (ended) {
      if (!absl::IsFailedPrecondition(status)) framed_.wrong += "fed after the end;";
    } else if (!status.ok()) {
      if (!absl::IsResourceExhausted(status)) framed_.wrong += "another error;";
      framed_.ended = true;
      framed_.error = std::string(status.message());
    }
  }

  void Take(const std::string& piece, std::string_view frame) {
    if (framed_.ended) framed_.wrong += "called after the end;";
    const std::less_equal<const char*> not_behind;
    const bool lies_in_piece = not_behind(piece.data(), frame.data()) &&
                               not_behind(frame.data() + frame.size(), piece.data() + piece.size());
    if (!lies_in_piece && !may_be_copied_) framed_.wrong += "copied;";
    may_be_copied_ = false;
    if (!absl::IsFailedPrecondition(framing_->Feed("\n", [](std::string_view) {}))) {
      framed_.wrong += "fed inside of a call;";
    }
    if (framed_.frames.size() == plan_.in_call) Interfere();
    framed_.frames.emplace_back(frame);
  }

  void Interfere() {
    if (plan_.each_does == EachDoes::kNothing) return;
    framed_.ended = true;
    if (plan_.each_does == EachDoes::kStops) framing_->Stop();
    if (plan_.each_does == EachDoes::kDestroys) framing_.reset();
    if (plan_.each_does == EachDoes::kThrows) {
      framed_.frames.emplace_back("thrown");
      throw ThrownByEach();
    }
  }

  const FramingPlan& plan_;
  std::unique_ptr<Kind> framing_;
  bool may_be_copied_ = false;
  Framed framed_;
};

std::string Describe(const Framed& framed) {
  std::string text = std::to_string(framed.frames.size()) + " frames:";
  for (const std::string& frame : framed.frames) text += " \"" + frame + "\"";
  return text + ", kept " + std::to_string(framed.kept) + (framed.ended ? ", ended " : " ") +
         framed.error + framed.wrong;
}

// The next byte of a plan; 0 behind its end.
std::uint8_t Take(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  return byte;
}

}  // namespace

Framed FrameAtOnce(const FramingPlan& plan) {
  Framed framed;
  std::string_view rest = plan.bytes;
  while (true) {
    Next next =
        std::visit([&](const auto& options) { return NextFrame(options, rest); }, plan.options);
    if (!next.error.empty()) {
      framed.ended = true;
      framed.error = std::move(next.error);
      return framed;
    }
    if (next.taken == 0) break;
    rest.remove_prefix(next.taken);
    const bool interferes =
        plan.each_does != EachDoes::kNothing && framed.frames.size() == plan.in_call;
    framed.frames.push_back(
        interferes && plan.each_does == EachDoes::kThrows ? "thrown" : std::move(next.frame));
    if (interferes) {
      framed.ended = true;
      return framed;
    }
  }
  framed.kept = rest.size();
  return framed;
}

Framed FrameInPieces(const FramingPlan& plan) {
  return std::visit([&](const auto& options) { return Feeder(plan, Make(options)).Run(); },
                    plan.options);
}

FramingPlan PlanFrom(std::string_view bytes) {
  constexpr std::size_t kLimits[] = {0, 1, 2, 3, 7, 255, 65535, kMax - 1, kMax};
  FramingPlan plan;
  const std::size_t limit = kLimits[Take(bytes) % std::size(kLimits)];
  const std::uint8_t kind = Take(bytes);
  if (kind % 3 == 0) plan.options = LineFramingOptions{.bytes_max = limit};
  if (kind % 3 == 1) {
    plan.options = LengthFramingOptions{
        .prefix_bytes = static_cast<std::uint8_t>(1 << kind / 3 % 4),
        .give_prefix = kind / 12 % 2 == 1,
        .byte_order = kind / 24 % 2 == 0 ? std::endian::big : std::endian::little,
        .bytes_max = limit};
  }
  if (kind % 3 == 2) plan.options = FixedFramingOptions{.bytes = std::max<std::size_t>(limit, 1)};
  const std::uint8_t does = Take(bytes);
  if (does % 8 < 4) plan.each_does = static_cast<EachDoes>(does % 8);
  plan.in_call = does / 8 % 4;
  const std::size_t pieces = Take(bytes) % 16;
  for (std::size_t i = 0; i < pieces; ++i) {
    plan.cuts.push_back((plan.cuts.empty() ? 0 : plan.cuts.back()) + Take(bytes) % 32);
  }
  plan.bytes = bytes;
  for (std::size_t& cut : plan.cuts) cut = std::min(cut, plan.bytes.size());
  return plan;
}

std::string Difference(const FramingPlan& plan) {
  const Framed wanted = FrameAtOnce(plan);
  const Framed came = FrameInPieces(plan);
  if (came == wanted) return "";
  return "wanted: " + Describe(wanted) + "\ncame:   " + Describe(came);
}

}  // namespace belfry
