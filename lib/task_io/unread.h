// Bytes that have come and that nobody has read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace belfry {

// Thread safety: none of its own.
class Unread {
 public:
  std::size_t size() const { return bytes_.size() - begin_; }
  void Add(std::string_view data);
  // Without its end, "\n" or "\r\n"; nothing if it is not whole.
  std::optional<std::string> TakeLine();
  // Whether the next line is longer than that, as far as can be seen.
  bool LineIsLonger(std::size_t bytes_max);
  std::string TakeSome(std::size_t bytes_max);
  void Clear();

 private:
  std::size_t FindEnd();  // of the next line; npos: it is not whole
  std::string_view Line(std::size_t end) const;
  void Skip(std::size_t bytes);

  std::string bytes_;
  std::size_t begin_ = 0;     // what lies before it was taken
  std::size_t searched_ = 0;  // from begin_ to here there is no '\n'
};

}  // namespace belfry
