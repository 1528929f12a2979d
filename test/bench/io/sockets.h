// What the clients of a server at 127.0.0.1 share, and the messages that they send.
#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bench {

inline constexpr std::size_t kMessage = 64;  // bytes; a frame, too: 4 of length and 60 more

// The message `number` of client `client`: no other is equal.
std::array<char, kMessage> MessageOf(std::uint64_t client, std::uint64_t number);

// Connected, non-blocking, sends at once. `source` picks one of 250 loopback addresses to come
// from, so that ports do not run out.
int Connect(std::uint16_t port, std::uint64_t source);

// All of it: what is on its way is always less than a socket takes.
void SendAll(int fd, std::span<const char> data);

}  // namespace bench
