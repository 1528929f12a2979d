#include "io/sweep.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

#include "waiting.h"

namespace belfry {

std::string ErrorText(int error) { return std::generic_category().message(error); }

// --- Peer ---

Peer::Peer(int fd) : fd_(fd) { ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK); }
Peer::Peer(Peer&& other) noexcept
    : fd_(other.Release()), ended_(other.ended_), data_(std::move(other.data_)) {}
Peer& Peer::operator=(Peer&& other) noexcept {
  Close();
  fd_ = other.Release();
  ended_ = other.ended_;
  data_ = std::move(other.data_);
  return *this;
}

// What is written here is little, and fits; a peer that is gone does not matter.
void Peer::Write(std::string_view data) const {
  if (::send(fd_, data.data(), data.size(), MSG_NOSIGNAL) < 0 && errno == ENOTSOCK) {
    EXPECT_EQ(::write(fd_, data.data(), data.size()), static_cast<ssize_t>(data.size()));
  }
}

const std::string& Peer::Read() {
  std::array<char, 4096> some{};
  while (fd_ >= 0 && !ended_) {
    const ssize_t got = ::read(fd_, some.data(), some.size());
    if (got < 0 && errno == EAGAIN) break;
    ended_ = got <= 0;
    if (got > 0) data_.append(some.data(), static_cast<std::size_t>(got));
  }
  return data_;
}

void Peer::Close() {
  if (fd_ >= 0) ::close(Release());
}

int Peer::Release() { return std::exchange(fd_, -1); }

PeerPair::PeerPair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  ours = Peer(ends[0]);
  other = Peer(ends[1]);
}

// --- Witness ---

Witness::~Witness() {
  EXPECT_TRUE(!opened_ || heard_.closed) << "opened and never closed";
  heard_.gone = true;
}

void Witness::OnOpened(Connection& connection) {
  EXPECT_FALSE(opened_ || heard_.closed);
  opened_ = true;
  heard_.connection = &connection;
}
void Witness::OnData(Connection& connection, std::string_view data) {
  EXPECT_TRUE(opened_ && !heard_.ended && !heard_.closed);
  heard_.data += data;
  if (does_ == Does::kEcho) connection.Write(data);
}
void Witness::OnEnd(Connection& connection) {
  EXPECT_TRUE(opened_ && !heard_.ended && !heard_.closed);
  heard_.ended = true;
  connection.Close();
}
void Witness::OnClosed(Connection& /*connection*/, const ConnectionClosed& closed) {
  EXPECT_FALSE(heard_.closed);
  heard_.connection = nullptr;
  heard_.closed = true;
  heard_.error = closed.error;
}

// --- Stage ---

Stage::Stage(sys::Call failing) : fails(failing) {
  PeerPair pair;
  neighbour_ = std::move(pair.other);
  const auto id = connector_.Adopt(pair.ours.Release(),
                                   std::make_unique<Witness>(heard_, Witness::Does::kEcho));
  EXPECT_TRUE(id.ok()) << id.status();
}

bool Stage::Until(const std::function<bool()>& done) {
  return Eventually([&] {
    clock.Advance(std::chrono::milliseconds(10));
    loop.RunOnce(std::chrono::milliseconds(1));
    return done();
  });
}

bool Stage::NeighbourIsServed() {
  const std::string before = neighbour_.Read();
  neighbour_.Write("neighbour");
  return Until([&] { return neighbour_.Read() == before + "neighbour" || heard_.closed; }) &&
         !heard_.closed;
}

}  // namespace belfry
