// Cuts the bytes of a connection into frames: lines, frames behind their length, frames of a size.
//
//   class Shout final : public belfry::ConnectionListener {
//     void OnData(belfry::Connection& connection, std::string_view data) override {
//       auto fed = lines_.Feed(
//           data, [&](std::string_view line) { connection.Write(Upper(line)); });
//       if (!fed.ok()) connection.Abort();
//     }
//     belfry::LineFraming lines_{{.bytes_max = 1000}};
//   };
//
// Each kind has the same Feed. It calls `each(std::string_view frame)` for every frame that is
// whole now, in order; one that lies whole in `data` is not copied. What is left is kept until the
// next.
//
// Thread safety: none of its own; it is used where the connection's data come.
// Lifetime: a frame is gone when `each` returns. `each` may stop or destroy the framing: it is
// called no more, and Feed returns OK. It must not feed it (FAILED_PRECONDITION).
// Memory: only while a frame has begun and is not whole: twice what has come of it at most, and its
// administration, however long it says that it is.
// Errors: RESOURCE_EXHAUSTED when a frame is longer than bytes_max, as soon as that is seen; the
// text names both. That ends the framing, and so does what `each` throws, which passes through, or
// std::bad_alloc. One that has ended calls nobody, and returns FAILED_PRECONDITION.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "belfry/export.h"
#include "belfry/framing_base.h"

namespace belfry {

struct LineFramingOptions {
  std::size_t bytes_max = 65536;  // of a line, without its end
};

// Lines that end with "\n" or "\r\n"; they are given without that. Any other "\r" is part of its
// line.
class BELFRY_EXPORT LineFraming final : public Framing {
 public:
  explicit LineFraming(LineFramingOptions options = {}) : options_(options) {}
  template <class Each>
  absl::Status Feed(std::string_view data, Each&& each) {
    return Cut(*this, data, each);
  }

 private:
  friend class Framing;
  std::size_t SizeOf(std::string_view kept, std::string_view data) const;
  absl::Status TooLong(std::string_view kept, std::string_view data) const;
  static std::string_view Content(std::string_view whole);

  const LineFramingOptions options_;
};

struct LengthFramingOptions {
  std::uint8_t prefix_bytes = 4;  // what the length takes: 1, 2, 4 or 8; all else aborts
  bool give_prefix = false;       // with each frame, for who passes it on as it came
  std::endian byte_order = std::endian::big;
  std::size_t bytes_max = std::size_t{1} << 20;  // of a frame, without its prefix
};

// Frames behind their length, which does not count itself; they are given without it.
class BELFRY_EXPORT LengthFraming final : public Framing {
 public:
  explicit LengthFraming(LengthFramingOptions options = {});
  template <class Each>
  absl::Status Feed(std::string_view data, Each&& each) {
    return Cut(*this, data, each);
  }

 private:
  friend class Framing;
  // Nothing is added to a length before it is known to be no more than what is there: it may be
  // 2^64 - 1.
  std::size_t SizeOf(std::string_view kept, std::string_view data) const {
    const std::size_t there = kept.size() + data.size();
    if (there < options_.prefix_bytes) return kNotWhole;
    const std::uint64_t length = LengthOf(kept, data);
    if (length > options_.bytes_max) return kTooLong;
    if (length > there - options_.prefix_bytes) return kNotWhole;
    return options_.prefix_bytes + static_cast<std::size_t>(length) - kept.size();
  }
  absl::Status TooLong(std::string_view kept, std::string_view data) const;
  std::string_view Content(std::string_view whole) const {
    if (!options_.give_prefix) whole.remove_prefix(options_.prefix_bytes);
    return whole;
  }

  // What a prefix that is whole says.
  std::uint64_t LengthOf(std::string_view kept, std::string_view data) const {
    return kept.empty() && data.size() >= 8 ? Decode(data.data()) : LengthInPieces(kept, data);
  }
  std::uint64_t LengthInPieces(std::string_view kept, std::string_view data) const;
  // Of 8 bytes, the first of which are the prefix.
  std::uint64_t Decode(const char* bytes) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, 8);
    if (swapped_) value = __builtin_bswap64(value);
    if (options_.byte_order == std::endian::little) value <<= unused_bits_;
    return value >> unused_bits_;
  }

  const LengthFramingOptions options_;
  const bool swapped_;  // the prefix is not in this machine's order
  const std::uint8_t unused_bits_;
};

// Appends `frame`, which does not lie in `out`, behind its length, as a LengthFraming of these
// options reads it.
// Errors: RESOURCE_EXHAUSTED when it is longer than bytes_max, or than the prefix can say; throws
// std::bad_alloc. Then `out` is as it was.
BELFRY_EXPORT absl::Status AppendLengthPrefixed(std::string& out, std::string_view frame,
                                                const LengthFramingOptions& options = {});

struct FixedFramingOptions {
  std::size_t bytes = 1;  // of every frame; 0 aborts
};

// Frames that are all of one size.
class BELFRY_EXPORT FixedFraming final : public Framing {
 public:
  explicit FixedFraming(FixedFramingOptions options);
  template <class Each>
  absl::Status Feed(std::string_view data, Each&& each) {
    return Cut(*this, data, each);
  }

 private:
  friend class Framing;
  std::size_t SizeOf(std::string_view kept, std::string_view data) const {
    const std::size_t missing = options_.bytes - kept.size();
    return data.size() < missing ? kNotWhole : missing;
  }
  static absl::Status TooLong(std::string_view, std::string_view) { return absl::OkStatus(); }
  static std::string_view Content(std::string_view whole) { return whole; }

  const FixedFramingOptions options_;
};

}  // namespace belfry
