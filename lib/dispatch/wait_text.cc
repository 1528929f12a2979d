#include "belfry/wait_text.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace belfry {
namespace {

constexpr std::string_view kCut = "...";

template <class Number>
void AddNumber(WaitText& text, Number number) {
  std::array<char, 32> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

}  // namespace

WaitText& WaitText::operator<<(std::string_view text) {
  const std::size_t copied = std::min(text.size(), kBytesMax - size_);
  text.copy(text_.data() + size_, copied);
  size_ += copied;
  if (copied < text.size()) kCut.copy(text_.data() + kBytesMax - kCut.size(), kCut.size());
  return *this;
}

WaitText& WaitText::operator<<(Nanoseconds duration) {
  AddNumber(*this, std::chrono::duration<double>(duration).count());
  return *this << " s";
}

WaitText& WaitText::operator<<(Site site) {
  const std::string_view path = site.file;
  *this << path.substr(path.rfind('/') + 1) << ":";
  AddNumber(*this, site.line);
  return *this;
}

}  // namespace belfry
