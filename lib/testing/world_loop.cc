#include "testing/world_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace belfry::testing {
namespace {

int MakeBell() {
  const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return bell;
}

}  // namespace

WorldLoop::WorldLoop(const Clock& clock)
    : loop_(clock),
      bell_(MakeBell()),
      watch_(loop_.Watch(bell_, Interest::kNone, [this](Readiness) { OnReady(); })) {}

WorldLoop::~WorldLoop() {
  loop_.Unwatch(watch_);
  ::close(bell_);
}

// It may always be written.
void WorldLoop::TurnWith(std::function<void()> first) {
  first_ = std::move(first);
  loop_.SetInterest(watch_, Interest::kWritable);
  loop_.RunOnce();
}

void WorldLoop::OnReady() {
  loop_.SetInterest(watch_, Interest::kNone);
  const std::function<void()> first = std::exchange(first_, nullptr);
  if (first) first();
}

}  // namespace belfry::testing
