// A frame: its length in 4 bytes, in this machine's order, then as many bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace bench {

inline constexpr std::size_t kFrameHeader = 4;

// The size of the frame at the front of `data`, with its header; 0 while it is not whole.
inline std::size_t WholeFrame(std::string_view data) {
  if (data.size() < kFrameHeader) return 0;
  std::uint32_t length = 0;
  std::memcpy(&length, data.data(), kFrameHeader);
  const std::size_t size = kFrameHeader + length;
  return data.size() < size ? 0 : size;
}

// Cuts what arrives on one connection into frames. Takes memory only while one is incomplete.
class FrameSplitter {
 public:
  // Calls `each` with every frame that is whole now, its header included.
  template <class Each>
  void Split(std::string_view data, const Each& each) {
    const std::unique_ptr<std::string> before = std::move(partial_);
    if (before != nullptr) data = before->append(data);
    while (const std::size_t size = WholeFrame(data)) {
      each(data.substr(0, size));
      data.remove_prefix(size);
    }
    if (!data.empty()) partial_ = std::make_unique<std::string>(data);
  }

 private:
  std::unique_ptr<std::string> partial_;
};

}  // namespace bench
