// Bytes to requests, strictly: what two HTTP implementations could read differently is refused.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "belfry/envelope.h"

namespace belfry::http {

// Why a request is refused. The connection cannot go on after it: where the next request begins is
// not known for certain.
struct RequestError {
  int status = 0;  // 0: none
  std::string text;
};

struct ParsedRequest {
  std::string method;
  std::string target;
  std::vector<Header> headers;  // without trailers
  std::string body;             // without chunks
  bool keep_alive = false;
};

struct RequestLimits {
  std::size_t header_bytes_max = 0;
  std::size_t body_bytes_max = 0;
};

// One connection's requests, one after the other. How the bytes are split among calls changes
// nothing in what comes out.
//
// The library's parser does the grammar. It is given only whole parts: the request line, then all
// fields, then chunk by chunk, because what it reports, and how much it buffers, depends on the
// split. The parts are found by their line ends, and here also lies what it is too lenient about.
//
// Thread safety: none; one thread.
class RequestParser {
 public:
  explicit RequestParser(RequestLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes up to the end of the request or to its first error; returns how many. Takes none
  // when complete or failed.
  std::size_t Feed(std::string_view bytes);

  // Something of a request has come; empty lines before it do not count.
  bool begun() const;
  bool complete() const;
  // status 0 unless failed.
  const RequestError& error() const;

  // The request that is complete; the parser starts over.
  ParsedRequest Take();

  // The client waits for a 100 before it sends the body.
  bool awaits_continue() const;
  void ContinueSent();

  // As far as it is known: an answer to a HEAD has no body.
  bool is_head() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry::http
