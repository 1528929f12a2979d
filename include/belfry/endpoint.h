// Where to listen, or whom to connect to.
//
//   auto endpoint = belfry::Endpoint::Parse("unix:@belfry.example");
//   if (!endpoint.ok()) return Fail(endpoint.status());
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "belfry/export.h"

namespace belfry {

// An address and a port, or a Unix socket. Numeric: names are looked up by whoever may wait for
// that. A value.
class BELFRY_EXPORT Endpoint {
 public:
  // "127.0.0.1:7000", "[::1]:7000", "[fe80::1%eth0]:7000", "unix:/run/echo.sock", "unix:@echo" (an
  // abstract name: it is no file). Port 0 to listen: the system picks one.
  // Errors: INVALID_ARGUMENT, naming the text and what is wrong with it.
  static absl::StatusOr<Endpoint> Parse(std::string_view text);
  // `address`: "127.0.0.1", "::1".
  static absl::StatusOr<Endpoint> Tcp(std::string_view address, std::uint16_t port);

  // As Parse reads it; "unix:" for a Unix socket without a name.
  std::string text() const;
  std::uint16_t port() const;  // 0: of a Unix socket
  bool is_unix() const;
  std::string_view path() const;  // of a Unix socket that is a file; else ""

  // A sockaddr of the system's.
  explicit Endpoint(std::string_view sockaddr_bytes) : bytes_(sockaddr_bytes) {}
  std::string_view sockaddr_bytes() const { return bytes_; }

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

 private:
  std::string bytes_;
};

}  // namespace belfry
