#include "response_writer.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace belfry::http {
namespace {

struct Reason {
  int status;
  std::string_view phrase;
};

// RFC 9110 section 15, and those of RFC 6585 that a server sends. By status.
constexpr Reason kReasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

std::string_view ReasonOf(int status) {
  const auto* found =
      std::lower_bound(std::begin(kReasons), std::end(kReasons), status,
                       [](const Reason& reason, int wanted) { return reason.status < wanted; });
  // The phrase may be empty; its blank may not be left out.
  return found != std::end(kReasons) && found->status == status ? found->phrase : "";
}

char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsTokenCharacter(char c) {
  constexpr std::string_view kAlso = "!#$%&'*+-.^_`|~";
  const char lower = LowerCase(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
         kAlso.find(c) != std::string_view::npos;
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// Headers that say where the message ends, and so are ours alone.
bool IsFraming(std::string_view name) {
  return EqualIgnoringCase(name, "content-length") ||
         EqualIgnoringCase(name, "transfer-encoding") || EqualIgnoringCase(name, "connection") ||
         EqualIgnoringCase(name, "keep-alive");
}

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return LowerCase(x) == LowerCase(y); });
}

std::optional<std::string> WhatIsWrong(const HttpResponse& response) {
  if (response.status < 200 || response.status > 599) {
    return "the answer's status is " + std::to_string(response.status) + ", not in 200 to 599";
  }
  for (std::size_t i = 0; i < response.headers.size(); ++i) {
    const auto& [name, value] = response.headers[i];
    // The header itself is not repeated here: it may be an attack.
    if (name.empty() || !std::all_of(name.begin(), name.end(), IsTokenCharacter)) {
      return "the name of the answer's header " + std::to_string(i + 1) + " is not a token";
    }
    if (std::any_of(value.begin(), value.end(), IsControl)) {
      return "the value of the answer's header " + std::to_string(i + 1) +
             " has a control character";
    }
  }
  return std::nullopt;
}

bool AsksForClose(const HttpResponse& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const Header& header) {
    return EqualIgnoringCase(header.first, "connection") &&
           EqualIgnoringCase(header.second, "close");
  });
}

HttpResponse ErrorResponse(int status, std::string_view text) {
  return {.request = {},
          .status = status,
          .headers = {{"Content-Type", "text/plain"}},
          .body = std::string(text) + "\n"};
}

std::string WriteResponse(const HttpResponse& response, const ResponseForm& form) {
  const bool bodiless = response.status == 204 || response.status == 304;
  std::string out;
  out.reserve(256 + response.body.size());
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(ReasonOf(response.status)).append("\r\n");
  bool dated = false;
  for (const auto& [name, value] : response.headers) {
    if (IsFraming(name)) continue;
    dated = dated || EqualIgnoringCase(name, "date");
    AppendHeader(out, name, value);
  }
  if (!dated) AppendHeader(out, "Date", form.date);
  if (!bodiless) AppendHeader(out, "Content-Length", std::to_string(response.body.size()));
  AppendHeader(out, "Connection", form.keep_alive ? "keep-alive" : "close");
  out.append("\r\n");
  if (!bodiless && !form.head) out.append(response.body);
  return out;
}

std::string HttpDate(WallTime time) {
  // strftime would write the locale's names.
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = std::chrono::system_clock::to_time_t(time);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text;
}

}  // namespace belfry::http
