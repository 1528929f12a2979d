// Events written down, for tests of io.
#pragma once

#include <mutex>
#include <vector>

#include "temporary_folder.h"
#include "waiting.h"

namespace belfry {

// A list that several threads append to.
template <class T>
class Recorder {
 public:
  void Add(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
  }
  std::vector<T> all() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }
  std::size_t size() const { return all().size(); }
  // Waits for that many; the last of them.
  T Await(std::size_t count = 1) const {
    EXPECT_TRUE(Eventually([&] { return size() >= count; })) << "only " << size() << " events came";
    const std::vector<T> values = all();
    return values.size() < count ? T{} : values[count - 1];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<T> values_;
};

}  // namespace belfry
