#include "plugin/mapped_file.h"

#include <sys/mman.h>

#include <cstdint>
#include <fstream>
#include <sstream>

namespace belfry {
namespace {

// A line of /proc/self/maps: begin-end permissions offset device inode path.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string file;
};

bool Parse(const std::string& line, Mapping& mapping) {
  std::istringstream words(line);
  std::string permissions, offset, device, inode;
  char dash = 0;
  words >> std::hex >> mapping.begin >> dash >> mapping.end >> permissions >> offset >> device >>
      inode;
  mapping.file = inode == "0" ? "" : device + " " + inode;
  return !words.fail();
}

template <class Call>
bool AnyMapping(Call is_wanted) {
  std::ifstream maps("/proc/self/maps");
  Mapping mapping;
  for (std::string line; std::getline(maps, line);) {
    if (Parse(line, mapping) && is_wanted(mapping)) return true;
  }
  return false;
}

}  // namespace

std::string MappedFileAt(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::string file;
  AnyMapping([&](const Mapping& mapping) {
    if (wanted < mapping.begin || wanted >= mapping.end) return false;
    file = mapping.file;
    return true;
  });
  return file;
}

std::string MappedFileOf(int fd) {
  void* const begin = ::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, fd, 0);
  if (begin == MAP_FAILED) return "";
  std::string file = MappedFileAt(begin);
  ::munmap(begin, 1);
  return file;
}

bool IsMapped(const std::string& device_and_inode) {
  return AnyMapping([&](const Mapping& mapping) { return mapping.file == device_and_inode; });
}

}  // namespace belfry
