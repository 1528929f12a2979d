// What the program asks of the system: descriptors, memory, a second process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace c10k {

// Descriptors that are no client's: standard streams, the loop's, the listening socket, room.
constexpr std::size_t kOtherDescriptors = 64;

// Raises the soft limit of descriptors to the hard one; how many connections that is room for.
absl::StatusOr<std::size_t> RoomForConnections();
// The same. Errors: RESOURCE_EXHAUSTED when there is room for less than `connections`.
absl::Status MakeRoomForConnections(std::size_t connections);
// "the limit of 1024 descriptors has room for 960 connections, not for 10000; ..."
std::string TooLittleRoom(std::size_t room, std::size_t connections);

// Of physical memory, that the process has now; 0 when the system does not say.
std::size_t ResidentBytes();

// This program, started once more with other arguments.
//
// Lifetime: the destructor kills it if nobody waited for it.
class Child {
 public:
  static absl::StatusOr<Child> Start(const std::vector<std::string>& arguments);
  Child(Child&& other) noexcept;
  ~Child();

  // A pipe's end to read what it prints from. The caller closes it.
  int output() const { return output_; }
  // Blocks until it has ended. Errors: that it did not end with 0.
  absl::Status Wait();

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace c10k
