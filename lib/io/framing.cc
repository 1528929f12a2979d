#include "belfry/framing.h"

#include <algorithm>
#include <array>
#include <limits>

#include "belfry/check.h"

namespace belfry {
namespace {

absl::Status TooLongError(std::string_view what, std::uint64_t bytes, std::uint64_t limit) {
  return absl::ResourceExhaustedError(std::string(what) + " " + std::to_string(bytes) +
                                      " bytes: the limit is " + std::to_string(limit));
}

void CheckPrefix(const LengthFramingOptions& options) {
  const std::uint8_t bytes = options.prefix_bytes;
  BELFRY_CHECK(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8,
               "the prefix of a frame has 1, 2, 4 or 8 bytes");
}

}  // namespace

Framing::Feeding::Feeding(Framing& framing) : framing_(&framing) { framing.feeding_ = this; }

void Framing::Stop() {
  ended_ = true;
  kept_.reset();
  if (feeding_ != nullptr) std::exchange(feeding_, nullptr)->framing_ = nullptr;
}

absl::Status Framing::Refuse() const {
  return absl::FailedPreconditionError(ended_ ? "the framing has ended"
                                              : "a framing was fed by who is given its frames");
}

// A line that is not whole may be one byte longer than the limit, if that is the "\r" of its end.
std::size_t LineFraming::SizeOf(std::string_view kept, std::string_view data) const {
  const std::size_t end = data.find('\n');
  const std::string_view line = data.substr(0, end);
  const std::size_t size = kept.size() + line.size();
  if (size > options_.bytes_max) {
    const char last = line.empty() ? kept.back() : line.back();
    if (size - options_.bytes_max > 1 || last != '\r') return kTooLong;
  }
  return end == std::string_view::npos ? kNotWhole : end + 1;
}

// How long it will be, nobody knows: its end has not been looked for.
absl::Status LineFraming::TooLong(std::string_view /*kept*/, std::string_view /*data*/) const {
  return TooLongError("a line of more than", options_.bytes_max, options_.bytes_max);
}

std::string_view LineFraming::Content(std::string_view whole) {
  whole.remove_suffix(1);
  if (!whole.empty() && whole.back() == '\r') whole.remove_suffix(1);
  return whole;
}

LengthFraming::LengthFraming(LengthFramingOptions options)
    : options_(options),
      swapped_(options.byte_order != std::endian::native),
      unused_bits_(static_cast<std::uint8_t>(64 - 8 * options.prefix_bytes)) {
  CheckPrefix(options);
}

std::uint64_t LengthFraming::LengthInPieces(std::string_view kept, std::string_view data) const {
  std::array<char, 8> prefix{};
  char* const end = std::copy_n(kept.data(), std::min(kept.size(), prefix.size()), prefix.data());
  const auto room = static_cast<std::size_t>(prefix.data() + prefix.size() - end);
  std::copy_n(data.data(), std::min(data.size(), room), end);
  return Decode(prefix.data());
}

absl::Status LengthFraming::TooLong(std::string_view kept, std::string_view data) const {
  return TooLongError("a frame of", LengthOf(kept, data), options_.bytes_max);
}

absl::Status AppendLengthPrefixed(std::string& out, std::string_view frame,
                                  const LengthFramingOptions& options) {
  CheckPrefix(options);
  const std::uint64_t sayable =
      std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * options.prefix_bytes);
  const std::uint64_t limit = std::min<std::uint64_t>(options.bytes_max, sayable);
  if (frame.size() > limit) return TooLongError("a frame of", frame.size(), limit);
  std::array<char, 8> prefix{};
  for (std::size_t i = 0; i < options.prefix_bytes; ++i) {
    const std::size_t byte =
        options.byte_order == std::endian::big ? options.prefix_bytes - 1 - i : i;
    prefix[i] = static_cast<char>(std::uint64_t{frame.size()} >> (8 * byte));
  }
  const std::size_t before = out.size();
  out.resize(before + options.prefix_bytes + frame.size());
  char* const end = std::copy_n(prefix.data(), options.prefix_bytes, out.data() + before);
  std::copy(frame.begin(), frame.end(), end);
  return absl::OkStatus();
}

FixedFraming::FixedFraming(FixedFramingOptions options) : options_(options) {
  BELFRY_CHECK(options.bytes > 0, "a frame has at least one byte");
}

}  // namespace belfry
