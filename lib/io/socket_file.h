// The file of a Unix socket that listens.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>

namespace belfry {

// Goes with its owner, who has it removed before he closes the socket: until then its inode is no
// other file's. What stands at that path by then and is not the socket's stays.
//
// Thread safety: a value.
class SocketFile {
 public:
  SocketFile() = default;                 // none
  explicit SocketFile(std::string path);  // where a socket has just been bound; "": none
  SocketFile(SocketFile&& other) noexcept : path_(std::exchange(other.path_, "")), id_(other.id_) {}
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile() { Remove(); }

  void Remove();

 private:
  std::string path_;
  struct stat id_ {};
};

}  // namespace belfry
