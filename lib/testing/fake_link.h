// What is between a FakePeer and the program's end of its connection.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "belfry/connection.h"

namespace belfry::testing {

class FakeStream;

// Thread safety: the world's thread.
struct FakeLink {
  // Something of the peer that the stream has not read yet.
  struct Arrival {
    enum class Kind { kData, kEnd, kError };
    Kind kind;
    std::string data{};
    int error = 0;
  };
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  // What the peer takes of this now.
  std::size_t Take(std::string_view data) {
    const std::size_t taken = std::min(data.size(), room);
    received += data.substr(0, taken);
    if (room != kAll) room -= taken;
    return taken;
  }

  const std::string name{};      // "10.0.0.7:1234"
  FakeStream* stream = nullptr;  // the program's end, while there is one
  std::deque<Arrival> arrivals{};
  bool peer_ended = false;  // or broke it: nothing comes after that
  bool stays_open = false;
  std::size_t room = kAll;  // bytes that the peer takes
  std::string received{};
  bool told_end = false;
  bool refused = false;
  std::size_t deferred = 0;
  std::optional<ConnectionClosed> ended{};
};

}  // namespace belfry::testing
