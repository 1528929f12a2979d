// A queue of closures the way one would write it by hand: a vector under a mutex, taken as a whole.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace bench {

class ClosureVector {
 public:
  // Whether it was empty, so that the loop must be told.
  template <class Closure>
  bool Push(Closure closure) {
    const std::lock_guard lock(mutex_);
    posted_.emplace_back(std::move(closure));
    return posted_.size() == 1;
  }

  void RunAll() {
    {
      const std::lock_guard lock(mutex_);
      running_.swap(posted_);
    }
    for (const std::function<void()>& closure : running_) closure();
    running_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> running_;
};

// Beside what wakes a loop and carries nothing: a Contender of post_signal.h.
template <class Contender>
class SignalAndVector {
 public:
  template <class Closure>
  void Post(Closure closure) {
    if (posted_.Push(std::move(closure))) signal_.Signal();
  }

 private:
  ClosureVector posted_;
  Contender signal_{[](void* posted) { static_cast<ClosureVector*>(posted)->RunAll(); }, &posted_};
};

}  // namespace bench
