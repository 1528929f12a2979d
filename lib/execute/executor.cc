#include "belfry/executor.h"

#include <utility>

#include "belfry/check.h"

namespace belfry {
namespace {

thread_local Executor* current_executor = nullptr;
// A thread inside several blocking scopes waits once.
thread_local unsigned blocking_depth = 0;

// A posted callable in a node of its own.
class Posted final : public Runnable {
 public:
  explicit Posted(std::function<void()> work) : work_(std::move(work)) {}
  void Run() override {
    const std::unique_ptr<Posted> self(this);
    work_();
  }

 private:
  std::function<void()> work_;
};

}  // namespace

void RunnableQueue::Push(Runnable& work) {
  work.next_ = nullptr;
  if (tail_ == nullptr) {
    head_ = &work;
  } else {
    tail_->next_ = &work;
  }
  tail_ = &work;
}

Runnable* RunnableQueue::Pop() {
  Runnable* const first = head_;
  if (first != nullptr) {
    head_ = std::exchange(first->next_, nullptr);
    if (head_ == nullptr) tail_ = nullptr;
  }
  return first;
}

void Executor::Post(std::function<void()> work) {
  BELFRY_CHECK(work, "an empty function was posted");
  Post(*new Posted(std::move(work)));
}

std::shared_ptr<void> Executor::OnSpareThread(std::function<void(unsigned)> /*told*/) {
  return nullptr;
}

Executor* Executor::Current() { return current_executor; }

ExecutorScope::ExecutorScope(Executor& executor)
    : outer_(std::exchange(current_executor, &executor)) {}

ExecutorScope::~ExecutorScope() { current_executor = outer_; }

BlockingScope::BlockingScope() : executor_(Executor::Current()) {
  if (executor_ != nullptr && blocking_depth++ == 0) executor_->BlockingBegins();
}

BlockingScope::~BlockingScope() {
  if (executor_ != nullptr && --blocking_depth == 0) executor_->BlockingEnds();
}

}  // namespace belfry
