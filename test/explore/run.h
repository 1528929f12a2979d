// One run of a scenario: its threads take turns, and a strategy says who is next. The explorable
// types (sync/sync.h) call it before and after everything that they do.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "explore/access.h"
#include "explore/bounds.h"
#include "explore/op.h"
#include "explore/store_buffer.h"
#include "explore/strategy.h"
#include "explore/thread_of_run.h"
#include "explore/trace.h"

namespace belfry::explore {

// Thread safety: Execute from outside, the rest on the run's own threads. One of these runs at a
// time; the others wait for their batons.
class Run {
 public:
  Run(Strategy& strategy, const Bounds& bounds);
  ~Run();

  // The whole run. Null, or why it failed; its threads stay where they are then, and so must it.
  const Failure* Execute(const std::function<void()>& scenario);
  std::uint64_t steps() const { return step_; }
  std::span<const TouchAt> touches() const { return touches_; }
  std::size_t objects() const { return objects_.size(); }
  std::string ReplayString() const { return ReplayText(choices_); }

  // The run that the calling thread belongs to; null outside.
  static Run* Current();
  // An explorable object was made, or is being destroyed, on whatever thread.
  static void Made(Cell& cell);
  static void Gone(Cell& cell);

  // --- Operations on objects ---
  // Returns when the caller is to perform it, which it does before anything else.
  void Operate(const Op& op);
  // What it found and what it left.
  void Performed(std::uint64_t before, std::uint64_t after);
  // The newest store of the calling thread to the object that has not reached memory; or null.
  const PendingStore* OwnStore(const Cell& cell);
  // Whether the store, instead of being performed, has been put into the thread's store buffer.
  bool Delay(const PendingStore& store);

  void HeavyBarrier(Where where);

  void Lock(Cell& mutex, Where where);
  bool TryLock(Cell& mutex, Where where);
  void Unlock(Cell& mutex, Where where);
  // False when it timed out. Null: without a deadline.
  bool Wait(Cell& condition, Cell& mutex, const std::chrono::steady_clock::time_point* deadline,
            Where where);
  void Notify(Cell& condition, bool all, Where where);
  void Pause(Where where);
  void Yield(Where where);
  std::chrono::steady_clock::time_point now() const { return now_; }

  // --- Threads ---
  ThreadOfRun& NewThread(Where where);
  // The life of a new thread, on it.
  void Live(ThreadOfRun& self, const std::function<void()>& body);
  // Its last step, after its thread-local objects are gone.
  void Finish(ThreadOfRun& self);
  void Join(std::vector<const ThreadOfRun*> threads, Where where);

  // Ends the run: records why and never returns.
  [[noreturn]] void Fail(const std::string& what);

 private:
  struct Object {
    ObjectName name;
    ThreadOfRun* owner = nullptr;  // who holds the mutex
    std::uint64_t mutex_bit = 0;   // 0: of no mutex, or of one too many
    std::uint32_t touched_by = 0;  // bits of threads
  };
  enum class Cost : std::uint8_t { kFree, kPreemption, kDelay, kSpurious, kTimeout };

  // schedule.cc
  void Step(ThreadOfRun& self, const Op& op, bool gives_way = false);
  void SelectNext(ThreadOfRun& self);
  void PassTurn(ThreadOfRun& self);
  ThreadOfRun& Another(ThreadOfRun& self);
  ThreadOfRun& WhenStuck(ThreadOfRun& self);
  void HandOver(ThreadOfRun& self, ThreadOfRun& next);
  void Await(ThreadOfRun& self);
  bool Enabled(const ThreadOfRun& thread) const;
  bool Eligible(const ThreadOfRun& thread) const;
  ThreadOfRun* NextEligible(const ThreadOfRun& self) const;
  bool Commutes(const ThreadOfRun& self) const;
  void Resumed(ThreadOfRun& self);
  Option Decide(Question question, std::span<const Option> options, Cost cost, Touch touch = {});
  std::string Situation() const;
  void LeaveWord();

  // run.cc
  static ThreadOfRun& Self();
  void Reach(ThreadOfRun& self, const Op& op);
  std::uint32_t ObjectOf(Cell& cell, char type);  // its type is known at its first use only
  void Destroy(Cell& cell);
  bool Alone(const ThreadOfRun& self) const;
  Touch TouchOf(const ThreadOfRun& self, std::uint32_t object, Access access) const;
  void Touched(const ThreadOfRun& self, std::uint32_t object, Access access);
  void Changed(const ThreadOfRun& self);
  void Record(const ThreadOfRun& self, const Op& op, std::uint32_t object);
  void Acquire(ThreadOfRun& self, std::uint32_t mutex);
  void Release(ThreadOfRun& self, std::uint32_t mutex);

  // memory.cc
  void DrainStores(ThreadOfRun& self, Where where);
  void Flush(ThreadOfRun& owner, std::size_t count, bool asked);
  void OfferFlush(ThreadOfRun& self, std::uint32_t object);
  void HaveFlush(ThreadOfRun& self, ThreadOfRun& owner, std::size_t count);

  Strategy& strategy_;
  const Bounds bounds_;
  const std::uint32_t id_;        // of this run, for cells
  std::array<unsigned, 5> left_;  // of what each Cost may be spent
  std::vector<std::unique_ptr<ThreadOfRun>> threads_;
  std::vector<Object> objects_;
  std::vector<TouchAt> touches_;
  std::vector<Choice> choices_;
  Trace trace_;
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
  std::uint64_t step_ = 0;
  std::uint64_t turn_began_ = 0;  // after this step
  std::uint64_t waits_ = 0;
  std::uint32_t older_objects_ = 0;
  unsigned mutexes_ = 0;
  unsigned idle_turns_ = 0;  // in a row: of threads that yielded though nothing has changed since
  Baton ended_;
  std::atomic<unsigned> words_{0};
  std::optional<Failure> failure_;
};

}  // namespace belfry::explore
