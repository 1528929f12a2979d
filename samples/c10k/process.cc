#include "process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace c10k {

absl::StatusOr<std::size_t> RoomForConnections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::ErrnoToStatus(errno, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return absl::ErrnoToStatus(errno, "setrlimit");
  return std::max<std::size_t>(limit.rlim_max, kOtherDescriptors) - kOtherDescriptors;
}

absl::Status MakeRoomForConnections(std::size_t connections) {
  const absl::StatusOr<std::size_t> room = RoomForConnections();
  if (!room.ok()) return room.status();
  if (*room >= connections) return absl::OkStatus();
  return absl::ResourceExhaustedError(TooLittleRoom(*room, connections));
}

std::string TooLittleRoom(std::size_t room, std::size_t connections) {
  return absl::StrCat("the limit of descriptors has room for ", room, " connections, not for ",
                      connections, "; root raises it with: ulimit -Hn ",
                      connections + kOtherDescriptors);
}

std::size_t ResidentBytes() {
  std::size_t all = 0;
  std::size_t resident = 0;  // both in pages
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

absl::StatusOr<Child> Child::Start(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error == 0) return Child(pid, ends[0]);
  ::close(ends[0]);
  return absl::ErrnoToStatus(error, "starting /proc/self/exe");
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)) {}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

absl::Status Child::Wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::AbortedError(WIFEXITED(status)
                                ? absl::StrCat("it ended with exit code ", WEXITSTATUS(status))
                                : absl::StrCat("it was ended by signal ", WTERMSIG(status)));
}

}  // namespace c10k
