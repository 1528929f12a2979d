#include "request_parser.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "boost/beast/core/string.hpp"
#include "boost/beast/http/basic_parser.hpp"
#include "boost/beast/http/error.hpp"
#include "boost/beast/http/rfc7230.hpp"

#include "belfry/check.h"

namespace belfry::http {
namespace {

namespace beast = boost::beast;
using ErrorCode = beast::error_code;
using Field = beast::http::field;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// uri-host [ ":" port ] by its characters. Empty where the target names no host.
bool IsHost(std::string_view value) {
  constexpr std::string_view kAlso = "-._~%!$&'()*+,;=:[]";
  return std::all_of(value.begin(), value.end(), [&](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kAlso.find(c) != std::string_view::npos;
  });
}

// The four forms of RFC 9112 section 3.2, but for CONNECT's.
bool IsTarget(std::string_view method, std::string_view target) {
  if (std::any_of(target.begin(), target.end(),
                  [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return false;
  }
  if (target == "*") return method == "OPTIONS";
  return target.front() == '/' || beast::iequals(target.substr(0, 7), "http://") ||
         beast::iequals(target.substr(0, 8), "https://");
}

// "... HTTP/2.0\r\n": HTTP, but not of a version that is spoken here.
bool NamesOtherVersion(std::string_view line) {
  constexpr std::size_t kTail = 11;
  if (line.size() < kTail) return false;
  const std::string_view tail = line.substr(line.size() - kTail);
  return tail.starts_with(" HTTP/") && IsDigit(tail[6]) && tail[7] == '.' && IsDigit(tail[8]) &&
         tail.substr(6, 3) != "1.0" && tail.substr(6, 3) != "1.1";
}

// What the library's parser tells of one message, and what it does not check.
class Message final : public beast::http::basic_parser<true> {
 public:
  ParsedRequest request;
  RequestError error;
  bool chunked = false;
  bool expects_continue = false;
  std::uint64_t chunk_rest = 0;

 private:
  void Refuse(ErrorCode& ec, int status, std::string text) {
    error = {status, std::move(text)};
    ec = beast::http::error::bad_field;  // any one: it stops the parser
  }

  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, ErrorCode& ec) override {
    http11_ = version == 11;
    request.method = std::string(method);
    request.target = std::string(target);
    if (method == "CONNECT") {
      Refuse(ec, 501, "CONNECT is not supported: this is no proxy");
    } else if (!IsTarget(request.method, request.target)) {
      Refuse(ec, 400, "the request target is neither a path nor an http URI");
    }
  }

  void on_field_impl(Field field, beast::string_view name, beast::string_view value,
                     ErrorCode& ec) override {
    if (in_trailers_) return;
    switch (field) {
      case Field::content_length:
        if (has_length_) return Refuse(ec, 400, "more than one Content-Length");
        has_length_ = true;
        if (!std::all_of(value.begin(), value.end(), IsDigit)) {
          return Refuse(ec, 400, "a Content-Length that is not one number");
        }
        break;
      case Field::transfer_encoding:
        if (!beast::iequals(value, "chunked")) {
          return Refuse(ec, 400, "a Transfer-Encoding other than chunked");
        }
        if (!http11_) return Refuse(ec, 400, "a Transfer-Encoding in HTTP/1.0");
        chunked = true;
        break;
      case Field::host:
        if (has_host_) return Refuse(ec, 400, "more than one Host");
        has_host_ = true;
        if (!IsHost(value)) return Refuse(ec, 400, "a Host that is not a host");
        break;
      case Field::connection:
        closes_ = closes_ || beast::http::token_list{value}.exists("close");
        break;
      case Field::expect:
        if (!http11_) break;
        if (!beast::iequals(value, "100-continue")) {
          return Refuse(ec, 417, "an expectation other than 100-continue");
        }
        expects_continue = true;
        break;
      default:
        break;
    }
    request.headers.emplace_back(std::string(name), std::string(value));
  }

  void on_header_impl(ErrorCode& ec) override {
    in_trailers_ = true;  // whatever fields come now
    request.keep_alive = keep_alive() && !closes_;
    if (http11_ && !has_host_) Refuse(ec, 400, "no Host");
  }

  std::size_t on_body_impl(beast::string_view bytes, ErrorCode&) override {
    // No reserve: what a client announces costs it nothing.
    request.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void on_chunk_header_impl(std::uint64_t size, beast::string_view, ErrorCode&) override {
    chunk_rest = size;
  }

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, ErrorCode&) override {
    request.body.append(bytes.data(), bytes.size());
    chunk_rest -= bytes.size();
    return bytes.size();
  }

  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  void on_finish_impl(ErrorCode&) override {}

  bool http11_ = false;
  bool has_length_ = false;
  bool has_host_ = false;
  bool closes_ = false;
  bool in_trailers_ = false;
};

}  // namespace

class RequestParser::Impl {
 public:
  explicit Impl(RequestLimits limits) : limits_(limits) { StartOver(); }

  std::size_t Feed(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && part_ != Part::kComplete && part_ != Part::kFailed) {
      const std::string_view rest = bytes.substr(taken);
      const bool data = part_ == Part::kBody || part_ == Part::kChunkData;
      taken += data ? FeedData(rest) : FeedLine(rest);
    }
    return taken;
  }

  bool begun() const { return part_ != Part::kRequestLine || (!block_.empty() && block_ != "\r"); }
  bool complete() const { return part_ == Part::kComplete; }
  const RequestError& error() const { return error_; }
  bool awaits_continue() const {
    return continue_due_ && (part_ == Part::kBody || part_ == Part::kChunkSize);
  }
  void ContinueSent() { continue_due_ = false; }
  bool is_head() const { return message_->request.method == "HEAD"; }

  ParsedRequest Take() {
    BELFRY_CHECK(complete(), "a request was taken before it was complete");
    ParsedRequest request = std::move(message_->request);
    StartOver();
    return request;
  }

 private:
  // A chunked body is kChunkSize (kChunkData kChunkEnd kChunkSize)* kTrailers.
  enum class Part {
    kRequestLine,
    kFields,
    kBody,
    kChunkSize,
    kChunkData,
    kChunkEnd,
    kTrailers,
    kComplete,
    kFailed,
  };

  void StartOver() {
    message_.emplace();
    // Ours counts whatever the split.
    message_->header_limit(std::numeric_limits<std::uint32_t>::max());
    message_->body_limit(std::uint64_t{limits_.body_bytes_max});
    part_ = Part::kRequestLine;
    block_.clear();
    line_bytes_ = 0;
    header_bytes_ = 0;
    continue_due_ = false;
  }

  void Fail(int status, std::string text) {
    error_ = {status, std::move(text)};
    part_ = Part::kFailed;
  }

  // Up to the end of a line, or all.
  std::size_t FeedLine(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      if (!Check(c)) return i + 1;
      ++line_bytes_;
      if (c == '\n') {
        block_.append(bytes.substr(0, i + 1));
        const std::size_t length = std::exchange(line_bytes_, 0);
        EndLine(std::string_view(block_).substr(block_.size() - length));
        return i + 1;
      }
      previous_ = c;
    }
    block_.append(bytes);
    return bytes.size();
  }

  // One byte of a line, by what came before it.
  bool Check(char c) {
    // A chunk's size itself is not header: there may be as many as the body has bytes.
    constexpr std::size_t kChunkSizeLine = 18;
    const bool chunk_line = part_ == Part::kChunkSize || part_ == Part::kChunkEnd;
    if (!chunk_line || line_bytes_ >= kChunkSizeLine) {
      if (++header_bytes_ > limits_.header_bytes_max) {
        const bool target = part_ == Part::kRequestLine;
        Fail(target ? 414 : 431, std::string("the ") + (target ? "request line" : "header") +
                                     " is longer than header_bytes_max, " +
                                     std::to_string(limits_.header_bytes_max) + " bytes");
        return false;
      }
    }
    const char before = line_bytes_ == 0 ? '\0' : previous_;
    if ((before == '\r') != (c == '\n')) {
      Fail(400, "a line that does not end in CR LF");
    } else if (IsControl(c) && c != '\r' && c != '\n') {
      Fail(400, "a control character");
    } else if (line_bytes_ == 0 && IsBlank(c) &&
               (part_ == Part::kFields || part_ == Part::kTrailers)) {
      Fail(400, "a header line that begins with a blank: folding is obsolete");
    } else if (part_ == Part::kChunkEnd && c != (line_bytes_ == 0 ? '\r' : '\n')) {
      Fail(400, "a chunk longer than its size");
    }
    return part_ != Part::kFailed;
  }

  // A line, which is the end of block_, is complete.
  void EndLine(std::string_view line) {
    const bool empty = line == "\r\n";
    switch (part_) {
      case Part::kRequestLine:
        if (empty) {
          block_.clear();  // RFC 9112 section 2.2: some clients send one after a body
        } else if (Put()) {
          part_ = Part::kFields;
        }
        break;
      case Part::kFields:
        if (empty && Put()) EndFields();
        break;
      case Part::kChunkEnd:
        part_ = Part::kChunkSize;  // stays in the block: the parser wants both at once
        break;
      case Part::kChunkSize:
        EndChunkSize(line);
        break;
      case Part::kTrailers:
        if (empty && Put()) part_ = Part::kComplete;
        break;
      default:
        break;
    }
  }

  void EndFields() {
    if (message_->is_done()) {
      part_ = Part::kComplete;
      return;
    }
    continue_due_ = message_->expects_continue;
    part_ = message_->chunked ? Part::kChunkSize : Part::kBody;
  }

  void EndChunkSize(std::string_view line) {
    const std::size_t digits = static_cast<std::size_t>(
        std::find_if_not(line.begin(), line.end(), IsHexDigit) - line.begin());
    const char after = line[digits];
    if (digits == 0 || (after != '\r' && after != ';' && !IsBlank(after))) {
      Fail(400, "a chunk size that is not a hexadecimal number");
    } else if (line.find_first_not_of('0') >= digits) {
      part_ = Part::kTrailers;  // the parser wants them together with the last size
    } else if (Put()) {
      part_ = Part::kChunkData;
    }
  }

  std::size_t FeedData(std::string_view bytes) {
    continue_due_ = false;
    ErrorCode ec;
    const std::size_t taken = message_->put({bytes.data(), bytes.size()}, ec);
    if (ec) {
      Refused(ec);
    } else if (part_ == Part::kBody) {
      if (message_->is_done()) part_ = Part::kComplete;
    } else if (message_->chunk_rest == 0) {
      part_ = Part::kChunkEnd;
    }
    return taken;
  }

  // Gives the whole block to the parser. False: failed.
  bool Put() {
    ErrorCode ec;
    const std::size_t taken = message_->put({block_.data(), block_.size()}, ec);
    const bool whole = taken == block_.size();
    if (part_ == Part::kRequestLine && ec == beast::http::error::need_more && whole) ec = {};
    if (ec || !whole) {
      if (part_ == Part::kRequestLine && ec == beast::http::error::bad_version &&
          NamesOtherVersion(block_)) {
        Fail(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
      } else {
        Refused(ec);
      }
      return false;
    }
    block_.clear();
    return true;
  }

  void Refused(const ErrorCode& ec) {
    if (ec == beast::http::error::body_limit) {
      Fail(413, "the body is longer than body_bytes_max, " +
                    std::to_string(limits_.body_bytes_max) + " bytes");
    } else if (message_->error.status != 0) {
      Fail(message_->error.status, message_->error.text);
    } else {
      Fail(400, ec == beast::http::error::need_more || !ec ? "an incomplete part" : ec.message());
    }
  }

  const RequestLimits limits_;
  std::optional<Message> message_;
  RequestError error_;
  Part part_ = Part::kRequestLine;
  std::string block_;             // the lines of the current part
  std::size_t line_bytes_ = 0;    // of the current line
  char previous_ = '\0';          // the byte before, if line_bytes_ > 0
  std::size_t header_bytes_ = 0;  // of the current request
  bool continue_due_ = false;
};

RequestParser::RequestParser(RequestLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;
std::size_t RequestParser::Feed(std::string_view bytes) { return impl_->Feed(bytes); }
bool RequestParser::begun() const { return impl_->begun(); }
bool RequestParser::complete() const { return impl_->complete(); }
const RequestError& RequestParser::error() const { return impl_->error(); }
ParsedRequest RequestParser::Take() { return impl_->Take(); }
bool RequestParser::awaits_continue() const { return impl_->awaits_continue(); }
void RequestParser::ContinueSent() { impl_->ContinueSent(); }
bool RequestParser::is_head() const { return impl_->is_head(); }

}  // namespace belfry::http
