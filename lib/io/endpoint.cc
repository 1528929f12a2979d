#include "belfry/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/status/status.h"

namespace belfry {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::size_t kPathAt = offsetof(sockaddr_un, sun_path);
constexpr std::size_t kPathMax = sizeof(sockaddr_un::sun_path) - 1;  // a file's ends with a zero

absl::Status Wrong(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError("not an endpoint: \"" + std::string(text) +
                                    "\": " + std::string(why));
}

template <class Address>
Address As(std::string_view bytes) {
  Address address{};
  std::memcpy(&address, bytes.data(), std::min(bytes.size(), sizeof(address)));
  return address;
}

sa_family_t FamilyOf(std::string_view bytes) { return As<sockaddr>(bytes).sa_family; }

absl::StatusOr<Endpoint> Unix(std::string_view text, std::string_view path) {
  if (path.empty() || path == "@") return Wrong(text, "it has no path");
  if (path.size() > kPathMax) {
    return Wrong(text, "a path has at most " + std::to_string(kPathMax) + " bytes");
  }
  if (path.find('\0') != std::string_view::npos) return Wrong(text, "it has a zero byte");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = path.front() == '@';
  if (abstract) address.sun_path[0] = '\0';
  const std::size_t size = kPathAt + path.size() + (abstract ? 0 : 1);
  return Endpoint({reinterpret_cast<const char*>(&address), size});
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

absl::StatusOr<Endpoint> Endpoint::Tcp(std::string_view address, std::uint16_t port) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError("not a numeric IPv4 or IPv6 address: \"" +
                                      std::string(address) + "\"");
  };
  if (address.empty() || address.find('\0') != std::string_view::npos) return wrong();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;  // asks no name server, so it does not block
  addrinfo* found = nullptr;
  if (::getaddrinfo(std::string(address).c_str(), std::to_string(port).c_str(), &hints, &found) !=
      0) {
    return wrong();
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> freed(found, ::freeaddrinfo);
  return Endpoint({reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen});
}

absl::StatusOr<Endpoint> Endpoint::Parse(std::string_view text) {
  if (text.starts_with(kUnix)) return Unix(text, text.substr(kUnix.size()));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Wrong(text, "it has no port");
  const std::optional<std::uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port.has_value()) return Wrong(text, "its port is no number from 0 to 65535");
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string_view::npos) {
    return Wrong(text, "an IPv6 address stands in brackets");
  }
  return Tcp(address, *port);
}

std::string Endpoint::text() const {
  if (is_unix()) {
    std::string_view name = std::string_view(bytes_).substr(std::min(kPathAt, bytes_.size()));
    if (name.empty()) return std::string(kUnix);
    if (name.front() == '\0') return std::string(kUnix) + "@" + std::string(name.substr(1));
    return std::string(kUnix) + std::string(path());
  }
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  const auto address = As<sockaddr_storage>(bytes_);
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(bytes_.size()), host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "";
  }
  if (address.ss_family != AF_INET6) return std::string(host) + ":" + port;
  return std::string("[") + host + "]:" + port;
}

std::uint16_t Endpoint::port() const {
  switch (FamilyOf(bytes_)) {
    case AF_INET:
      return ntohs(As<sockaddr_in>(bytes_).sin_port);
    case AF_INET6:
      return ntohs(As<sockaddr_in6>(bytes_).sin6_port);
    default:
      return 0;
  }
}

bool Endpoint::is_unix() const { return FamilyOf(bytes_) == AF_UNIX; }

std::string_view Endpoint::path() const {
  if (!is_unix()) return "";
  const std::string_view name = std::string_view(bytes_).substr(std::min(kPathAt, bytes_.size()));
  return name.substr(0, name.find('\0'));
}

}  // namespace belfry
