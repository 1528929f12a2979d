// Many objects of one type, without a word of the heap's for each.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace belfry {

// Each has a place, which its constructor is told first, and stays there. Chunks that become empty
// are kept for those that come.
//
// Thread safety: none.
template <class T>
class Slab {
 public:
  Slab() = default;
  ~Slab() {
    ForEach([this](T& one) { Remove(one); });
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  template <class... Arguments>
  T& Add(Arguments&&... arguments) {
    if (with_room_.empty()) AddChunk();
    const std::uint32_t index = with_room_.back();
    Chunk& chunk = *chunks_[index];
    const auto at = static_cast<std::uint32_t>(std::countr_one(chunk.used));
    T* const made =
        new (chunk.At(at)) T(index * kPerChunk + at, std::forward<Arguments>(arguments)...);
    chunk.used |= Bit(at);
    if (chunk.used == kFull) with_room_.pop_back();
    return *made;
  }

  void Remove(T& one) {
    const std::uint32_t place = one.place();
    Chunk& chunk = *chunks_[place / kPerChunk];
    one.~T();
    if (chunk.used == kFull) with_room_.push_back(place / kPerChunk);
    chunk.used &= ~Bit(place % kPerChunk);
  }

  // It may add, which may be visited or not, and remove.
  template <class F>
  void ForEach(F visit) {
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      Chunk& chunk = *chunks_[i];
      for (std::uint32_t at = 0; at < kPerChunk; ++at) {
        if ((chunk.used & Bit(at)) != 0) visit(*std::launder(reinterpret_cast<T*>(chunk.At(at))));
      }
    }
  }

 private:
  static constexpr std::uint32_t kPerChunk = 64;
  static constexpr std::uint64_t kFull = ~std::uint64_t{0};
  struct Chunk {
    std::byte* At(std::uint32_t at) { return bytes + at * sizeof(T); }
    std::uint64_t used = 0;
    alignas(T) std::byte bytes[kPerChunk * sizeof(T)];
  };

  static std::uint64_t Bit(std::uint32_t at) { return std::uint64_t{1} << at; }
  // Room in the list for every chunk: removing must not fail.
  void AddChunk() {
    chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    with_room_.reserve(chunks_.capacity());
    with_room_.push_back(static_cast<std::uint32_t>(chunks_.size() - 1));
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<std::uint32_t> with_room_;
};

}  // namespace belfry
