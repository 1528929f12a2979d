// What is written of an event.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace audit {

// {"time": "2026-11-22T16:05:00.000001Z", "event": NAME, "schema": N, "data": JSON} and a newline.
// `json` is a JSON text, of one line or several.
std::string LineOf(std::chrono::system_clock::time_point time, std::string_view name,
                   std::uint32_t schema_version, std::string_view json);

}  // namespace audit
