// What somebody waits for, in words.
//
// Users need nothing from this header.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "belfry/clock.h"
#include "belfry/export.h"
#include "belfry/site.h"

namespace belfry {

// A short text in memory of its own, so that it may be written under a lock.
class BELFRY_EXPORT WaitText {
 public:
  static constexpr std::size_t kBytesMax = 200;  // what is longer ends in "..."

  WaitText& operator<<(std::string_view text);
  WaitText& operator<<(Nanoseconds duration);  // "1.5 s"
  WaitText& operator<<(Site site);             // "signup.cc:31", without its folder

  bool empty() const { return size_ == 0; }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, kBytesMax> text_;
  std::size_t size_ = 0;
};

}  // namespace belfry
