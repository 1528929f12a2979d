#include "sys/errors.h"

#include <cerrno>
#include <system_error>

namespace belfry::sys {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case EADDRINUSE:
      return absl::StatusCode::kAlreadyExists;
    case EADDRNOTAVAIL:  // Abseil has ALREADY_EXISTS, but it is an address that is not ours
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::ErrnoToStatusCode(error);
  }
}

}  // namespace

absl::Status ErrorStatus(int error, std::string_view what, std::string_view value) {
  std::string message(what);
  message.append(" \"").append(value).append("\": ");
  message.append(std::generic_category().message(error));
  return absl::Status(CodeOf(error), message);
}

void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace belfry::sys
