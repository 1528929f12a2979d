#include "task_io/unread.h"

#include <algorithm>

namespace belfry {

void Unread::Add(std::string_view data) {
  bytes_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  bytes_.append(data);
}

std::optional<std::string> Unread::TakeLine() {
  const std::size_t end = FindEnd();
  if (end == std::string::npos) return std::nullopt;
  std::string line(Line(end));
  Skip(end + 1 - begin_);
  return line;
}

bool Unread::LineIsLonger(std::size_t bytes_max) {
  const std::size_t end = FindEnd();
  if (end != std::string::npos) return Line(end).size() > bytes_max;
  return size() > bytes_max + 1;  // a "\r" may be the line's or its end's
}

std::string Unread::TakeSome(std::size_t bytes_max) {
  std::string some = bytes_.substr(begin_, bytes_max);
  Skip(some.size());
  return some;
}

void Unread::Clear() {
  bytes_.clear();
  begin_ = searched_ = 0;
}

std::size_t Unread::FindEnd() {
  const std::size_t end = bytes_.find('\n', searched_);
  searched_ = end == std::string::npos ? bytes_.size() : end;
  return end;
}

std::string_view Unread::Line(std::size_t end) const {
  std::string_view line(bytes_);
  line = line.substr(begin_, end - begin_);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void Unread::Skip(std::size_t bytes) {
  begin_ += bytes;
  searched_ = std::max(searched_, begin_);
  if (begin_ == bytes_.size()) Clear();
}

}  // namespace belfry
