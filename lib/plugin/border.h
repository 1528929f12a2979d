// Calls across the border: nothing that is thrown passes it, and what failed has a text.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/plugin_event.h"
#include "belfry/wait_text.h"
#include "dispatch/catching.h"

namespace belfry {

// Of an event, a listener, a plugin.
inline constexpr std::size_t kPluginNameMax = 200;

inline std::string_view ViewOf(belfry_text text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}
inline belfry_text TextOf(std::string_view view) { return {view.data(), view.size()}; }

// "1.5 s"
inline std::string InSeconds(Nanoseconds duration) {
  return std::string((WaitText() << duration).text());
}

// A plugin says that its struct is smaller than it ever was.
inline absl::Status TooSmall(const std::string& what, std::size_t said, std::size_t least) {
  return absl::InvalidArgumentError(what + " of " + std::to_string(said) +
                                    " bytes; it has at least " + std::to_string(least) +
                                    ": set its size to sizeof");
}

// Calls a function of a plugin's, which is given room for why it fails: belfry_code(belfry_error*).
template <class Call>
absl::Status CallPlugin(Call call) {
  std::array<char, 512> text;
  belfry_error error{sizeof(error), text.data(), text.size(), 0};
  belfry_code code = BELFRY_OK;
  Catching([&] { code = call(&error); },
           [&](const Thrown& what) {
             const std::string thrown = "it threw: " + std::string(what.what);
             error = {sizeof(error), text.data(), text.size(), 0};
             code = belfry_fail(&error, what.permanent ? BELFRY_INTERNAL : BELFRY_UNAVAILABLE,
                                TextOf(thrown));
           },
           [] {});
  if (code == BELFRY_OK) return absl::OkStatus();
  const std::size_t size = error.text_size < text.size() ? error.text_size : text.size();
  const bool known = code > BELFRY_OK && code <= 16;
  return absl::Status(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown,
                      size == 0 ? "it gave no reason" : std::string(text.data(), size));
}

// Does for a plugin what it has asked for: absl::Status().
template <class Call>
belfry_code CallHost(belfry_error* error, Call call) {
  belfry_error* const room =
      error != nullptr && BELFRY_HAS(belfry_error, error, text_size) ? error : nullptr;
  belfry_code code = BELFRY_OK;
  Catching(
      [&] {
        const absl::Status status = call();
        code = static_cast<belfry_code>(status.code());
        if (code != BELFRY_OK)
          belfry_fail(room, code, {status.message().data(), status.message().size()});
      },
      [&](const Thrown& what) { code = belfry_fail(room, BELFRY_INTERNAL, TextOf(what.what)); },
      [] {});
  return code;
}

}  // namespace belfry
