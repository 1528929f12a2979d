// Bytes that were written to a connection and are not sent yet.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace belfry {

// Thread safety: none.
class OutBuffer {
 public:
  void Append(std::string_view data) { bytes_.append(data); }
  const char* data() const { return bytes_.data() + sent_; }
  std::size_t size() const { return bytes_.size() - sent_; }
  std::size_t capacity() const { return bytes_.capacity(); }

  void Sent(std::size_t bytes) {
    sent_ += bytes;
    if (sent_ == bytes_.size()) {
      bytes_.clear();
      sent_ = 0;
    } else if (sent_ > kCompactAbove && sent_ > size()) {
      bytes_.erase(0, sent_);
      sent_ = 0;
    }
  }

 private:
  static constexpr std::size_t kCompactAbove = 64 << 10;

  std::string bytes_;
  std::size_t sent_ = 0;
};

// A connection has a buffer only while something is unsent; the last one given back, whose memory
// is warm, is the next one taken. Keeps at most 4 MiB.
//
// Thread safety: none.
class OutBuffers {
 public:
  std::unique_ptr<OutBuffer> Take() {
    if (free_.empty()) return std::make_unique<OutBuffer>();
    std::unique_ptr<OutBuffer> buffer = std::move(free_.back());
    free_.pop_back();
    kept_ -= buffer->capacity();
    return buffer;
  }
  void Give(std::unique_ptr<OutBuffer> buffer) {
    if (buffer->capacity() > kEachMax || kept_ + buffer->capacity() > kAllMax) return;
    buffer->Sent(buffer->size());
    const std::size_t capacity = buffer->capacity();
    try {
      free_.push_back(std::move(buffer));
      kept_ += capacity;
    } catch (const std::bad_alloc&) {
      // It goes, then.
    }
  }

 private:
  static constexpr std::size_t kEachMax = std::size_t{64} << 10;
  static constexpr std::size_t kAllMax = std::size_t{4} << 20;

  std::vector<std::unique_ptr<OutBuffer>> free_;
  std::size_t kept_ = 0;
};

}  // namespace belfry
