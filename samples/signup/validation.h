// What an e-mail address and a name must look like.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace signup {

inline constexpr std::size_t kEmailBytesMax = 254;  // RFC 5321
inline constexpr std::size_t kNameBytesMax = 100;

// Errors: INVALID_ARGUMENT, with a reason that may be shown to whoever sent it.
//
// What passes is safe in a mail's header and in a line of text: an address is made of letters,
// digits and the punctuation of RFC 5321's unquoted form; a name has no control characters.
absl::Status CheckEmail(std::string_view email);
absl::Status CheckName(std::string_view name);

// Equal for addresses that have one row: upper and lower case make no difference.
std::string AddressKey(std::string_view email);

}  // namespace signup
