// A short text that may be put together in a signal's handler.
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>

namespace belfry {

// What does not fit is cut off. Nothing is allocated, no lock is taken.
class SafeText {
 public:
  void Add(const char* text) {
    for (; *text != '\0'; ++text) Put(*text);
  }
  // Without control characters, which would look like an end of it.
  void AddField(const char* text) {
    for (; *text != '\0'; ++text) Put(static_cast<unsigned char>(*text) < ' ' ? '?' : *text);
  }
  // As one write, so that no other one comes between.
  void WriteTo(int descriptor) const {
    // There is nobody who could be told that it has failed.
    [[maybe_unused]] const ssize_t written = ::write(descriptor, text_.data(), size_);
  }

 private:
  void Put(char c) {
    if (size_ < text_.size()) text_[size_++] = c;
  }

  std::array<char, 1024> text_;
  std::size_t size_ = 0;
};

}  // namespace belfry
