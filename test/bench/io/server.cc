#include "bench/io/server.h"

#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/io/fail.h"

namespace bench {
namespace {

// Interrupts the wait for events: the driver asks while nothing happens, so no lock is held.
void PrintMemory(int) {
  const struct mallinfo2 info = ::mallinfo2();
  char line[32];
  const int size = std::snprintf(line, sizeof line, "%zu\n", info.uordblks + info.hblkhd);
  if (::write(STDOUT_FILENO, line, static_cast<std::size_t>(size)) != size) std::_Exit(1);
}

[[noreturn]] void Usage(const char* program) {
  std::fprintf(stderr, "usage: %s --work echo|framed|idle|accept [--port N] [--cork]\n", program);
  std::exit(2);
}

}  // namespace

ServerOptions ReadServerOptions(int argc, char** argv) {
  ServerOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--cork") {
      options.corked = true;
    } else if (i + 1 == argc) {
      Usage(argv[0]);
    } else if (argument == "--port") {
      options.port = static_cast<std::uint16_t>(std::atoi(argv[++i]));
    } else if (argument == "--work") {
      options.framed = std::string_view(argv[++i]) == "framed";
    } else {
      Usage(argv[0]);
    }
  }
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  action.sa_handler = PrintMemory;
  ::sigaction(SIGUSR2, &action, nullptr);
  return options;
}

int Listen(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) Fail("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // inherited by what it accepts
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Fail("bind");
  if (::listen(listener, kBacklog) != 0) Fail("listen");
  return listener;
}

void PrintPort(std::uint16_t port) {
  std::printf("%u\n", unsigned{port});
  std::fflush(stdout);
}

void PrintPortOf(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Fail("getsockname");
  }
  PrintPort(ntohs(address.sin_port));
}

}  // namespace bench
