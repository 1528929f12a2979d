// Which files the system says are mapped into this process.
#pragma once

#include <string>

namespace belfry {

// The device and the inode of the file that is mapped at `address`, as /proc/self/maps has them,
// which on some file systems are not those of fstat; "" when there is none.
std::string MappedFileAt(const void* address);

// The same for an open file, whether it is mapped or not: it is for a moment. "" if it cannot be.
std::string MappedFileOf(int fd);

// Whether some of that file is mapped anywhere.
bool IsMapped(const std::string& device_and_inode);

}  // namespace belfry
