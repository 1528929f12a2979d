#include "belfry/wait_text.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace belfry {
namespace {

constexpr std::string_view kCut = "...";

}  // namespace

WaitText& WaitText::operator<<(std::string_view text) {
  const std::size_t copied = std::min(text.size(), kBytesMax - size_);
  text.copy(text_.data() + size_, copied);
  size_ += copied;
  if (copied < text.size()) kCut.copy(text_.data() + kBytesMax - kCut.size(), kCut.size());
  return *this;
}

WaitText& WaitText::operator<<(Nanoseconds duration) {
  std::array<char, 32> digits;
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), seconds).ptr;
  return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()))
               << " s";
}

WaitText& WaitText::operator<<(Site site) {
  const std::string_view path = site.file;
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), site.line).ptr;
  return *this << path.substr(path.rfind('/') + 1) << ":"
               << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

}  // namespace belfry
