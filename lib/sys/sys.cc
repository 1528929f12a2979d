#include "sys/sys.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "sync/sync.h"

namespace belfry::sys {
namespace {

// Runs `call_system` unless the hook says that this call fails.
template <class F>
auto Unless(Call call, F call_system) -> decltype(call_system()) {
  if (const Fault fault = Ask(call); fault.error != 0) {
    errno = fault.error;
    return -1;
  }
  return call_system();
}

// The same for calls that move bytes.
template <class F>
ssize_t UnlessBytes(Call call, std::size_t size, F call_system) {
  const Fault fault = Ask(call);
  if (fault.error != 0) {
    errno = fault.error;
    return -1;
  }
  return call_system(std::min(size, fault.bytes_max));
}

int EpollControl(Call call, int epoll, int operation, int fd, std::uint32_t events,
                 std::uint64_t token) {
  return Unless(call, [&] {
    epoll_event event{};
    event.events = events;
    event.data.u64 = token;
    return ::epoll_ctl(epoll, operation, fd, &event);
  });
}

}  // namespace

constinit sync::Atomic<Hook*> the_hook{nullptr};

void SetHook(Hook* hook) { the_hook.store(hook, std::memory_order_release); }

Fault Ask(Call call) {
  Hook* hook = the_hook.load(std::memory_order_acquire);
  return hook == nullptr ? Fault{} : hook->Before(call);
}

int Open(const char* path, int flags, mode_t mode) {
  return Unless(Call::kOpen, [&] { return ::open(path, flags | O_CLOEXEC, mode); });
}

int Close(int fd) {
  const Fault fault = Ask(Call::kClose);
  const int result = ::close(fd);
  if (fault.error == 0) return result;
  errno = fault.error;
  return -1;
}

ssize_t Read(int fd, void* buffer, std::size_t size) {
  return UnlessBytes(Call::kRead, size, [&](std::size_t n) { return ::read(fd, buffer, n); });
}

ssize_t Write(int fd, const void* data, std::size_t size) {
  return UnlessBytes(Call::kWrite, size, [&](std::size_t n) { return ::write(fd, data, n); });
}

ssize_t WriteQuietly(int fd, const void* data, std::size_t size) {
  sigset_t pipe;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t written = Write(fd, data, size);
  const int error = errno;
  if (written < 0 && error == EPIPE && !was_pending) {
    const timespec at_once{};
    while (sigtimedwait(&pipe, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

int SetNonblocking(int fd) {
  return Unless(Call::kFcntl, [&] {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  });
}

int Fstat(int fd, struct stat& result) {
  return Unless(Call::kFstat, [&] { return ::fstat(fd, &result); });
}

int AccessMode(int fd) {
  return Unless(Call::kFcntl, [&] {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags < 0 ? flags : flags & O_ACCMODE;
  });
}

bool IsSocket(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

int Stat(const char* path, struct stat& result) {
  return Unless(Call::kStat, [&] { return ::stat(path, &result); });
}

int Fsync(int fd) {
  return Unless(Call::kFsync, [&] { return ::fsync(fd); });
}

int Fdatasync(int fd) {
  return Unless(Call::kFdatasync, [&] { return ::fdatasync(fd); });
}

int Rename(const char* from, const char* to) {
  return Unless(Call::kRename, [&] { return std::rename(from, to); });
}

int Unlink(const char* path) {
  return Unless(Call::kUnlink, [&] { return ::unlink(path); });
}

int Socket(int domain, int type, int protocol) {
  return Unless(Call::kSocket,
                [&] { return ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol); });
}

int Bind(int fd, const sockaddr* address, socklen_t size) {
  return Unless(Call::kBind, [&] { return ::bind(fd, address, size); });
}

int Listen(int fd, int backlog) {
  return Unless(Call::kListen, [&] { return ::listen(fd, backlog); });
}

int Accept(int fd) {
  return Unless(Call::kAccept,
                [&] { return ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
}

int Connect(int fd, const sockaddr* address, socklen_t size) {
  const int error = Ask(Call::kConnect).error;
  if (error == 0) return ::connect(fd, address, size);
  if (error == EINTR || error == EINPROGRESS) static_cast<void>(::connect(fd, address, size));
  errno = error;
  return -1;
}

int Getpeername(int fd, sockaddr_storage& address, socklen_t& size) {
  return Unless(Call::kGetpeername,
                [&] { return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size); });
}

int Getsockname(int fd, sockaddr_storage& address, socklen_t& size) {
  return Unless(Call::kGetsockname,
                [&] { return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size); });
}

int Setsockopt(int fd, int level, int name, int value) {
  return Unless(Call::kSetsockopt,
                [&] { return ::setsockopt(fd, level, name, &value, sizeof(value)); });
}

ssize_t RecvHooked(int fd, void* buffer, std::size_t size) {
  return UnlessBytes(Call::kRecv, size, [&](std::size_t n) { return ::recv(fd, buffer, n, 0); });
}

ssize_t SendHooked(int fd, const void* data, std::size_t size) {
  return UnlessBytes(Call::kSend, size,
                     [&](std::size_t n) { return ::send(fd, data, n, MSG_NOSIGNAL); });
}

int Shutdown(int fd, int how) {
  return Unless(Call::kShutdown, [&] { return ::shutdown(fd, how); });
}

int TakeSocketError(int fd) {
  if (const int told = Ask(Call::kGetsockopt).error; told != 0) return told;
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

int EpollCreate() {
  return Unless(Call::kEpollCreate, [] { return ::epoll_create1(EPOLL_CLOEXEC); });
}

int EpollAdd(int epoll, int fd, std::uint32_t events, std::uint64_t token) {
  return EpollControl(Call::kEpollAdd, epoll, EPOLL_CTL_ADD, fd, events, token);
}

int EpollModify(int epoll, int fd, std::uint32_t events, std::uint64_t token) {
  return EpollControl(Call::kEpollModify, epoll, EPOLL_CTL_MOD, fd, events, token);
}

int EpollDelete(int epoll, int fd) {
  return EpollControl(Call::kEpollDelete, epoll, EPOLL_CTL_DEL, fd, 0, 0);
}

int EpollWaitHooked(int epoll, epoll_event* events, int events_max, int timeout_ms) {
  return Unless(Call::kEpollWait,
                [&] { return ::epoll_wait(epoll, events, events_max, timeout_ms); });
}

int Eventfd() {
  return Unless(Call::kEventfd, [] { return ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); });
}

int Signalfd(const sigset_t& signals) {
  return Unless(Call::kSignalfd,
                [&] { return ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC); });
}

ssize_t Getrandom(void* buffer, std::size_t size) {
  return UnlessBytes(Call::kGetrandom, size,
                     [&](std::size_t n) { return ::getrandom(buffer, n, 0); });
}

}  // namespace belfry::sys
