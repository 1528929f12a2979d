// A loop, against a model of what it promises: bytes choose what is done to it.
#include <cstddef>
#include <cstdint>
#include <iostream>

#include "loop/loop_walk.h"

namespace {

// As many bytes as a limit needs; 0 behind their end.
class ByBytes final : public belfry::Choices {
 public:
  ByBytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool over() const { return size_ == 0; }
  std::uint64_t Below(std::uint64_t limit) override {
    std::uint64_t value = 0;
    for (std::uint64_t left = limit - 1; left > 0; left >>= 8) value = value << 8 | Take();
    return value % limit;
  }

 private:
  std::uint8_t Take() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }

  const std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByBytes bytes(data, size);
  belfry::LoopWalk walk(bytes);
  while (!bytes.over() && walk.wrong().empty()) walk.Step();
  if (walk.wrong().empty()) walk.Finish();
  if (walk.wrong().empty()) return 0;
  std::cerr << walk.wrong() << '\n';
  __builtin_trap();
}
