// Where what a listener writes is gathered while it is told of data.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace belfry {

// Thread safety: none.
class Cork {
 public:
  explicit Cork(std::size_t capacity)
      : bytes_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

  // False when there is not room for all of it.
  bool Append(std::string_view data) {
    const std::size_t at = size_;
    if (data.size() > capacity_ - at) return false;
    size_ = at + data.size();
    std::memcpy(bytes_.get() + at, data.data(), data.size());
    return true;
  }
  // Its content, until the next Append.
  std::string_view Take() { return {bytes_.get(), std::exchange(size_, 0)}; }
  std::size_t size() const { return size_; }

 private:
  const std::unique_ptr<char[]> bytes_;
  const std::size_t capacity_;
  std::size_t size_ = 0;
};

}  // namespace belfry
