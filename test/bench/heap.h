// How much of the heap is in use.
#pragma once

#include <malloc.h>

#include <cstddef>

namespace bench {

// What malloc has given away in all its arenas, its own overhead included.
inline std::size_t BytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace bench
