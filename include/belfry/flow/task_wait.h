// What a task waits for.
//
// Users need nothing from this header.
#pragma once

#include <coroutine>

#include "belfry/export.h"
#include "belfry/site.h"
#include "belfry/wait_text.h"
#include "belfry/waker.h"

namespace belfry {

class TaskRun;

// One wait: a part of the frame of the coroutine that waits, and gone with it. The destructor of a
// derived class first sees to it that nobody will call Ready, and then calls End.
//
// Thread safety: the run's thread, but for Ready.
class BELFRY_EXPORT TaskWait {
 public:
  TaskWait(const TaskWait&) = delete;
  TaskWait& operator=(const TaskWait&) = delete;

  // "a sleep of 5 s". Any thread, under a lock: of what does not change.
  virtual void WaitsFor(WaitText& text) const = 0;
  Site site() const { return site_; }

 protected:
  explicit TaskWait(Site site) : site_(site) {}
  ~TaskWait() = default;

  // `goes_on` is resumed some time after Ready. Before anybody may call that.
  void Begin(TaskRun& run, std::coroutine_handle<> goes_on);
  // The same, and it is over when others have had their turn.
  void BeginToYield(TaskRun& run, std::coroutine_handle<> goes_on);
  // It is over. Any thread, under a lock that the wait's destructor takes before this is gone; whom
  // to wake when that was let go of. At most once.
  Waker Ready();
  // It is not shown any more. Nothing, if it never began.
  void End();
  TaskRun* run() const { return run_; }  // null before Begin

 private:
  friend class TaskRun;
  enum class Phase : unsigned char { kNone, kWaits, kReady, kYields };

  TaskRun* run_ = nullptr;
  std::coroutine_handle<> goes_on_{};
  TaskWait* before_ = nullptr;  // in the one list of the run that it is in
  TaskWait* behind_ = nullptr;
  Phase phase_ = Phase::kNone;
  bool over_ = false;  // the run's thread alone: it went on
  const Site site_;
};

}  // namespace belfry
