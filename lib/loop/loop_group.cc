#include "belfry/loop_group.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "belfry/check.h"
#include "sync/sync.h"
#include "sys/threads.h"

namespace belfry {

class LoopGroup::Impl {
 public:
  explicit Impl(const LoopGroupOptions& options) {
    const unsigned count =
        options.loops != 0 ? options.loops : std::max(1U, sync::Thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) {
      loops_.push_back(std::make_unique<EventLoop>(options.loop));
    }
    threads_.reserve(count);
    try {
      for (const auto& loop : loops_) {
        threads_.push_back(sys::StartThread(options.name, [&loop = *loop] { loop.Run(); }));
      }
    } catch (...) {
      Join();
      throw;
    }
  }

  ~Impl() {
    for (const auto& loop : loops_) {
      BELFRY_CHECK(Executor::Current() != loop.get(),
                   "a loop group was destroyed on one of its threads");
    }
    Join();
    // What is left may post to loops that have none left: as long as one of them is, all are there.
    while (RunLeft()) {
    }
  }

  void Stop() {
    for (const auto& loop : loops_) loop->Stop();
  }

  std::size_t size() const { return loops_.size(); }
  EventLoop& loop(std::size_t index) {
    BELFRY_CHECK(index < loops_.size(), "a loop group was asked for a loop that it does not have");
    return *loops_[index];
  }

 private:
  void Join() {
    Stop();
    for (sync::Thread& thread : threads_) thread.join();
  }

  bool RunLeft() {
    bool ran = false;
    for (const auto& loop : loops_) ran = loop->RunLeft() || ran;
    return ran;
  }

  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<sync::Thread> threads_;
};

LoopGroup::LoopGroup(LoopGroupOptions options) : impl_(std::make_unique<Impl>(options)) {}
LoopGroup::~LoopGroup() = default;

std::size_t LoopGroup::size() const { return impl_->size(); }
EventLoop& LoopGroup::loop(std::size_t index) { return impl_->loop(index); }
void LoopGroup::Stop() { impl_->Stop(); }

}  // namespace belfry
