// A terminal and the program on it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace belfry {

// Nobody is on it until it is opened; it hangs up when they have all gone.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(master_), 0);
    EXPECT_EQ(::unlockpt(master_), 0);
  }
  ~Terminal() {
    HangUp();
    if (master_ >= 0) ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  int master() const { return master_; }
  // The master is somebody else's from now on.
  int Release() { return std::exchange(master_, -1); }

  // The program's side; bytes go through as they are.
  void Open() {
    slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios raw{};
    EXPECT_EQ(::tcgetattr(slave_, &raw), 0);
    ::cfmakeraw(&raw);
    EXPECT_EQ(::tcsetattr(slave_, TCSANOW, &raw), 0);
  }
  void HangUp() {
    if (slave_ >= 0) ::close(std::exchange(slave_, -1));
  }

 private:
  int master_;
  int slave_ = -1;
};

}  // namespace belfry
