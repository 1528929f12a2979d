// What the tests of the loop share.
#pragma once

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "belfry/event_loop.h"
#include "waiting.h"

namespace belfry {

// A descriptor that is readable when it was told so.
class Bell {
 public:
  Bell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Bell() { ::close(fd_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  int fd() const { return fd_; }
  void Ring() const { EXPECT_EQ(::eventfd_write(fd_, 1), 0); }
  void Silence() const {
    eventfd_t count = 0;
    ::eventfd_read(fd_, &count);
  }

 private:
  const int fd_;
};

class EventLoopTest : public testing::Test {
 protected:
  void SetUp() override { descriptors_before_ = CountDescriptors(); }
  void TearDown() override { EXPECT_EQ(CountDescriptors(), descriptors_before_); }

  std::vector<std::string> ran_;

 private:
  std::size_t descriptors_before_ = 0;
};

}  // namespace belfry
