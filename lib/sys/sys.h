// The one seam to the system: everything in lib/ that calls the kernel calls it here, so that a
// test can make the n-th call of a kind fail, or do less than it was asked to.
//
// Each function is the system call of that name: -1 and errno when it fails, no retry of EINTR, and
// every descriptor it makes is close-on-exec. The price in the product is one load of a null
// pointer.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "sync/sync.h"

namespace belfry::sys {

enum class Call {
  kAccept,
  kBind,
  kClose,
  kConnect,
  kEpollAdd,
  kEpollCreate,
  kEpollDelete,
  kEpollModify,
  kEpollWait,
  kEventfd,
  kFdatasync,
  kFstat,
  kFsync,
  kFcntl,
  kGetpeername,
  kGetrandom,
  kGetsockname,
  kGetsockopt,
  kListen,
  kOpen,
  kRead,
  kRecv,
  kRename,
  kSend,
  kSetsockopt,
  kShutdown,
  kSignalfd,
  kSocket,
  kStat,
  kStartThread,
  kUnlink,
  kWrite,
};

// What a test wants of one call: it fails with `error`, or moves at most `bytes_max` bytes.
struct Fault {
  int error = 0;
  std::size_t bytes_max = std::numeric_limits<std::size_t>::max();
};

// A test's hand on the system. Asked before every call, on the calling thread.
class Hook {
 public:
  virtual Fault Before(Call call) noexcept = 0;

 protected:
  ~Hook() = default;
};

// Null: nobody is asked. The hook stays until no thread can be inside a call any more.
void SetHook(Hook* hook);

// What the hook says of a call; for the files of this room.
Fault Ask(Call call);
extern sync::Atomic<Hook*> the_hook;
inline bool hooked() { return the_hook.load(std::memory_order_acquire) != nullptr; }
ssize_t RecvHooked(int fd, void* buffer, std::size_t size);
ssize_t SendHooked(int fd, const void* data, std::size_t size);
int EpollWaitHooked(int epoll, epoll_event* events, int events_max, int timeout_ms);

// Descriptors of any kind. A close that is told to fail has closed nevertheless, as the system's
// has.
int Open(const char* path, int flags, mode_t mode = 0);
int Close(int fd);
ssize_t Read(int fd, void* buffer, std::size_t size);
ssize_t Write(int fd, const void* data, std::size_t size);
// To a pipe or the like: raises no SIGPIPE, and leaves one that is pending already alone.
ssize_t WriteQuietly(int fd, const void* data, std::size_t size);
int SetNonblocking(int fd);
int AccessMode(int fd);  // O_RDONLY, O_WRONLY, O_RDWR
bool IsSocket(int fd);

// Files.
int Fstat(int fd, struct stat& result);
int Stat(const char* path, struct stat& result);
int Fsync(int fd);
int Fdatasync(int fd);
int Rename(const char* from, const char* to);
int Unlink(const char* path);

// Sockets; those that are made do not block. Send never raises SIGPIPE. A connect that is told
// EINTR or EINPROGRESS goes on nevertheless, as the system's does.
int Socket(int domain, int type, int protocol);
int Bind(int fd, const sockaddr* address, socklen_t size);
int Listen(int fd, int backlog);
int Accept(int fd);
int Connect(int fd, const sockaddr* address, socklen_t size);
int Getsockname(int fd, sockaddr_storage& address, socklen_t& size);
int Getpeername(int fd, sockaddr_storage& address, socklen_t& size);
int Setsockopt(int fd, int level, int name, int value);
// Inline, since each message passes them.
inline ssize_t Recv(int fd, void* buffer, std::size_t size) {
  if (hooked()) [[unlikely]]
    return RecvHooked(fd, buffer, size);
  return ::recv(fd, buffer, size, 0);
}
inline ssize_t Send(int fd, const void* data, std::size_t size) {
  if (hooked()) [[unlikely]]
    return SendHooked(fd, data, size);
  return ::send(fd, data, size, MSG_NOSIGNAL);
}
int Shutdown(int fd, int how);
// The error that the socket keeps for us, and forgets; 0 when there is none.
int TakeSocketError(int fd);

// The loop's.
int EpollCreate();
int EpollAdd(int epoll, int fd, std::uint32_t events, std::uint64_t token);
int EpollModify(int epoll, int fd, std::uint32_t events, std::uint64_t token);
int EpollDelete(int epoll, int fd);
inline int EpollWait(int epoll, epoll_event* events, int events_max, int timeout_ms) {
  if (hooked()) [[unlikely]]
    return EpollWaitHooked(epoll, events, events_max, timeout_ms);
  return ::epoll_wait(epoll, events, events_max, timeout_ms);
}
int Eventfd();
int Signalfd(const sigset_t& signals);

ssize_t Getrandom(void* buffer, std::size_t size);

}  // namespace belfry::sys
