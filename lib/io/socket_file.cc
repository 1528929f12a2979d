#include "io/socket_file.h"

#include "sys/sys.h"

namespace belfry {

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  if (!path_.empty() && sys::Stat(path_.c_str(), id_) != 0) path_.clear();
}

void SocketFile::Remove() {
  if (path_.empty()) return;
  struct stat now {};
  if (sys::Stat(path_.c_str(), now) == 0 && now.st_dev == id_.st_dev && now.st_ino == id_.st_ino) {
    sys::Unlink(path_.c_str());
  }
  path_.clear();
}

}  // namespace belfry
