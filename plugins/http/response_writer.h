// Responses to bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/http/http_server.h"

namespace belfry::http {

// What the request and the connection decide about the answer's form.
struct ResponseForm {
  bool head = false;  // the request was a HEAD: no body
  bool keep_alive = true;
  std::string_view date;
};

// Why a response cannot be sent; none when it can.
std::optional<std::string> WhatIsWrong(const HttpResponse& response);

// Whether its own headers ask for a close.
bool AsksForClose(const HttpResponse& response);

// A small text that says what went wrong.
HttpResponse ErrorResponse(int status, std::string_view text);

// One that WhatIsWrong has nothing against, as bytes.
std::string WriteResponse(const HttpResponse& response, const ResponseForm& form);

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string HttpDate(WallTime time);

// Header names, which are ASCII.
bool EqualIgnoringCase(std::string_view a, std::string_view b);

}  // namespace belfry::http
