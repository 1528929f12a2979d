#include "signup/validation.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"

namespace signup {
namespace {

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Non-empty words between single dots, of letters, digits and `punctuation`.
bool IsDottedWords(std::string_view text, std::string_view punctuation) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [punctuation](char c) {
    return IsLetterOrDigit(c) || c == '.' || punctuation.find(c) != std::string_view::npos;
  });
}

absl::Status Longer(const std::string& field, std::size_t bytes_max) {
  return absl::InvalidArgumentError(field + " is longer than " + std::to_string(bytes_max) +
                                    " bytes");
}

}  // namespace

absl::Status CheckEmail(std::string_view email) {
  if (email.empty()) return absl::InvalidArgumentError("email is empty");
  if (email.size() > kEmailBytesMax) return Longer("email", kEmailBytesMax);
  const std::size_t at = email.rfind('@');
  if (at == std::string_view::npos) return absl::InvalidArgumentError("email has no @");
  if (!IsDottedWords(email.substr(0, at), "!#$%&'*+-/=?^_`{|}~") ||
      !IsDottedWords(email.substr(at + 1), "-")) {
    return absl::InvalidArgumentError("email is not an address like ada@example.org");
  }
  return absl::OkStatus();
}

absl::Status CheckName(std::string_view name) {
  if (name.find_first_not_of(' ') == std::string_view::npos) {
    return absl::InvalidArgumentError("name is empty");
  }
  if (name.size() > kNameBytesMax) return Longer("name", kNameBytesMax);
  if (std::any_of(name.begin(), name.end(), IsControl)) {
    return absl::InvalidArgumentError("name has a line break or another control character in it");
  }
  return absl::OkStatus();
}

std::string AddressKey(std::string_view email) {
  return absl::AsciiStrToLower({email.data(), email.size()});
}

}  // namespace signup
