// What every server of the I/O benchmarks has in common.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

struct ServerOptions {
  bool framed = false;     // --work framed: each frame is answered with a write of its own
  bool corked = false;     // --cork: by hand, one write for all frames of one turn of a connection
  std::uint16_t port = 0;  // --port N; 0: the system picks one
};

inline constexpr int kBacklog = 4096;
inline constexpr std::size_t kReadBuffer = 65536;

// --work echo|framed|idle|accept, --port N, --cork. Says what is wrong and ends the program.
// From here on SIGPIPE is ignored, and SIGUSR2 prints the bytes that are allocated, on a line.
ServerOptions ReadServerOptions(int argc, char** argv);

// A non-blocking socket that listens on 127.0.0.1; what it accepts sends at once (TCP_NODELAY).
int Listen(std::uint16_t port);

// The port on a line of its own: the server is ready.
void PrintPort(std::uint16_t port);
void PrintPortOf(int listener);

}  // namespace bench
