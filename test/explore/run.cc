#include "explore/run.h"

#include <cxxabi.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <utility>

#include "explore/quiet.h"

namespace belfry::explore {
namespace {

thread_local ThreadOfRun* current = nullptr;

// A thread's last step comes after the destructors of its thread-local objects and of what it has
// under other keys, which may still make steps: keys' destructors are called in rounds, as long as
// any has a value.
pthread_key_t LastStepKey() {
  static const pthread_key_t key = [] {
    pthread_key_t made{};
    ::pthread_key_create(&made, [](void* untyped) {
      auto& thread = *static_cast<ThreadOfRun*>(untyped);
      if (std::exchange(thread.ending, true)) {
        thread.run.Finish(thread);
      } else {
        ::pthread_setspecific(LastStepKey(), &thread);
      }
    });
    return made;
  }();
  return key;
}

std::uint32_t NextRunId() {
  static std::atomic<std::uint32_t> last{0};
  return ++last;
}

}  // namespace

Run::Run(Strategy& strategy, const Bounds& bounds)
    : strategy_(strategy),
      bounds_(bounds),
      id_(NextRunId()),
      left_{kUnlimited, bounds.preemptions, bounds.delays, bounds.spurious, bounds.timeouts},
      objects_(1) {  // 0 is none
  threads_.reserve(kThreadsMax);
}

Run::~Run() = default;

const Failure* Run::Execute(const std::function<void()>& scenario) {
  ThreadOfRun& first = NewThread({});
  std::thread thread([&] { Live(first, scenario); });
  {
    const Quiet quiet;
    first.baton.Give();
    ended_.Take();
  }
  words_.load(std::memory_order_acquire);
  if (failure_.has_value()) {
    thread.detach();
    for (const auto& other : threads_) {
      if (other->to_join.has_value()) ::pthread_detach(*other->to_join);
    }
    return &*failure_;
  }
  thread.join();
  return nullptr;
}

Run* Run::Current() { return current == nullptr ? nullptr : &current->run; }

ThreadOfRun& Run::Self() { return *current; }

void Run::Fail(const std::string& what) {
  const Quiet quiet;
  failure_ = {what, ReplayString(), trace_.Text()};
  LeaveWord();
  ended_.Give();
  // Unwinding would run into destructors and functions that must not throw.
  for (;;) ::pause();
}

// --- Threads ---

ThreadOfRun& Run::NewThread(Where where) {
  const Quiet quiet;
  if (current != nullptr) DrainStores(Self(), where);
  if (threads_.size() == kThreadsMax) Fail("more than 16 threads");
  const auto number = static_cast<unsigned>(threads_.size());
  threads_.push_back(std::make_unique<ThreadOfRun>(*this, number));
  if (current != nullptr) threads_.back()->outlived = current->outlived;
  return *threads_.back();
}

void Run::Live(ThreadOfRun& self, const std::function<void()>& body) {
  ::pthread_setspecific(LastStepKey(), &self);
  current = &self;
  {
    const Quiet quiet;
    LeaveWord();
    Await(self);
    self.begun = true;
  }
  try {
    body();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (const std::exception& exception) {
    Fail(std::string("an exception left a thread: ") + exception.what());
  } catch (...) {
    Fail("an exception left a thread");
  }
}

void Run::Finish(ThreadOfRun& self) {
  const Quiet quiet;
  DrainStores(self, {});
  self.finished = true;
  LeaveWord();
  current = nullptr;
  const bool all = std::all_of(threads_.begin(), threads_.end(),
                               [](const auto& thread) { return thread->finished; });
  if (all) {
    ended_.Give();
  } else {
    turn_began_ = step_;
    Another(self).baton.Give();
  }
}

void Run::Join(std::vector<const ThreadOfRun*> threads, Where where) {
  const Quiet quiet;
  Self().joins = std::move(threads);
  Reach(Self(), {OpKind::kJoin, "join", nullptr, where, /*drains=*/true});
  for (const ThreadOfRun* const joined : Self().joins) {
    Self().outlived |= joined->bit() | joined->outlived;
    threads_[joined->number]->to_join.reset();
  }
  Self().joins.clear();
}

void Run::Pause(Where where) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  if (self.spins) return;
  static constexpr Option kOptions[] = {0, 1};
  self.spins =
      NextEligible(self) == nullptr || Decide(Question::kTimeout, kOptions, Cost::kTimeout) == 1;
  if (!self.spins) Yield(where);
}

void Run::Yield(Where where) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  Reach(self, {OpKind::kYield, "yield", nullptr, where, /*drains=*/true});
  self.yielded = true;
  self.changed = false;
  for (const auto& other : threads_) {
    std::uint8_t& past = self.yields_past[other->number];
    if (past < 255) ++past;
    other->conflict = true;
  }
}

// --- Objects ---

void Run::Operate(const Op& op) {
  const Quiet quiet;
  Reach(Self(), op);
}

void Run::Reach(ThreadOfRun& self, const Op& op) {
  if (op.drains) DrainStores(self, op.where);
  Step(self, op);
}

void Run::Performed(std::uint64_t before, std::uint64_t after) {
  const Quiet quiet;
  TraceEntry& entry = *trace_.last();
  entry.has_value = true;
  entry.before = before;
  entry.after = after;
  entry.changed = before != after;
  if (entry.changed) Changed(Self());
}

std::uint32_t Run::ObjectOf(Cell& cell, char type) {
  if (cell.run != id_) {
    cell = {id_, 0, ObjectName::kOlder, older_objects_++};
  }
  if (cell.object == 0) {
    cell.object = static_cast<std::uint32_t>(objects_.size());
    objects_.push_back({{cell.maker, cell.made}});
  }
  objects_[cell.object].name.type = type;
  return cell.object;
}

// Whether no other thread exists yet, or the thread has joined all that do: nobody's step could
// come on the other side of its own.
bool Run::Alone(const ThreadOfRun& self) const {
  const std::uint32_t all = (std::uint32_t{1} << threads_.size()) - 1;
  return (self.outlived | self.bit()) == all;
}

Touch Run::TouchOf(const ThreadOfRun& self, std::uint32_t object, Access access) const {
  if (!bounds_.reduce) return {};
  return {object, static_cast<std::uint8_t>(self.number), access, self.held};
}

void Run::Touched(const ThreadOfRun& self, std::uint32_t object, Access access) {
  if (!Alone(self)) touches_.push_back({step_, TouchOf(self, object, access)});
  objects_[object].touched_by |= self.bit();
  for (const auto& other : threads_) {
    if (!other->preempted || other->conflict || other.get() == &self) continue;
    if (other->next.kind == OpKind::kDrain) {
      for (std::size_t i = 0; i < other->stores.size(); ++i) {
        if (other->stores[i].cell->object == object) other->conflict = true;
      }
    } else if (other->object == object) {
      other->conflict = Conflict(access, other->next.access());
    }
  }
}

void Run::Changed(const ThreadOfRun& self) {
  idle_turns_ = 0;
  for (const auto& other : threads_) {
    if (other.get() != &self) other->changed = true;
  }
}

void Run::Record(const ThreadOfRun& self, const Op& op, std::uint32_t object) {
  trace_.Add({step_, self.number, op.name, objects_[object].name, op.where});
}

void Run::Made(Cell& cell) {
  if (current == nullptr) return;
  cell = {current->run.id_, 0, current->number, current->objects_made++};
}

void Run::Gone(Cell& cell) {
  if (current == nullptr || current->run.id_ != cell.run || cell.object == 0) return;
  const Quiet quiet;
  current->run.Destroy(cell);
}

void Run::Destroy(Cell& cell) {
  ThreadOfRun& self = Self();
  const Object& object = objects_[cell.object];
  if (object.owner != nullptr) {
    Fail("T" + std::to_string(self.number) + " destroys the mutex " + ToString(object.name) +
         ", held by T" + std::to_string(object.owner->number));
  }
  for (const auto& thread : threads_) {
    const std::string who = "T" + std::to_string(thread->number);
    if (thread.get() != &self && thread->begun && !thread->finished &&
        (thread->object == cell.object || thread->waits_on == cell.object)) {
      Fail(who + " is about to use " + ToString(object.name) + ", which is destroyed\n" +
           Situation());
    }
    if (thread->stores.Newest(cell) == nullptr) continue;
    if (thread.get() != &self) {
      Fail(who + "'s store to " + ToString(object.name) + " would reach memory after its end");
    }
    Flush(self, self.stores.size(), /*asked=*/false);
  }
  // Its end comes too early for nobody if it comes after the end of all who touched it.
  if ((object.touched_by & ~self.bit() & ~self.outlived) != 0) {
    Touched(self, cell.object, Access::kEnd);
  }
  cell = {};
}

// --- Mutexes and conditions ---

void Run::Acquire(ThreadOfRun& self, std::uint32_t mutex) {
  Object& object = objects_[mutex];
  if (object.owner == nullptr && object.mutex_bit == 0 && mutexes_ < 64) {
    object.mutex_bit = std::uint64_t{1} << mutexes_++;
  }
  object.owner = &self;
  self.held |= object.mutex_bit;
}

void Run::Release(ThreadOfRun& self, std::uint32_t mutex) {
  if (objects_[mutex].owner != &self) {
    Fail("T" + std::to_string(self.number) + " releases " + ToString(objects_[mutex].name) +
         ", which it does not hold");
  }
  objects_[mutex].owner = nullptr;
  self.held &= ~objects_[mutex].mutex_bit;
  Changed(self);
}

void Run::Lock(Cell& mutex, Where where) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  Reach(self, {OpKind::kLock, "lock", &mutex, where, /*drains=*/true});
  Acquire(self, self.object);
}

bool Run::TryLock(Cell& mutex, Where where) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  Reach(self, {OpKind::kTryLock, "try to lock", &mutex, where, /*drains=*/true});
  if (objects_[self.object].owner != nullptr) return false;
  Acquire(self, self.object);
  return true;
}

void Run::Unlock(Cell& mutex, Where where) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  Reach(self, {OpKind::kUnlock, "unlock", &mutex, where, /*drains=*/true});
  Release(self, self.object);
}

bool Run::Wait(Cell& condition, Cell& mutex, const std::chrono::steady_clock::time_point* deadline,
               Where where) {
  const Quiet quiet;
  using SteadyTime = std::chrono::steady_clock::time_point;
  ThreadOfRun& self = Self();
  Reach(self, {OpKind::kWait, "wait for", &condition, where, /*drains=*/true});
  const std::uint32_t waits_on = self.object;
  const std::uint32_t held = ObjectOf(mutex, 'm');
  Release(self, held);
  Touched(self, held, Access::kRelease);
  self.waits_on = waits_on;
  self.wait_number = ++waits_;
  self.deadline.reset();
  if (deadline != nullptr && *deadline != SteadyTime::max()) self.deadline = *deadline;
  self.timed_out = self.deadline.has_value() && *self.deadline <= now_;
  static constexpr Option kOptions[] = {0, 1};
  if (!self.timed_out) {
    self.notified = Decide(Question::kSpurious, kOptions, Cost::kSpurious) == 1;
    self.timed_out = self.deadline.has_value() && !self.notified &&
                     Decide(Question::kTimeout, kOptions, Cost::kTimeout) == 1;
  }
  self.notified = self.notified || self.timed_out;
  const bool unprompted = self.notified;
  Step(self, {OpKind::kWake, "wake and lock", &mutex, where}, /*gives_way=*/true);
  Acquire(self, held);
  self.waits_on = 0;
  self.notified = false;
  // Notified and late at once: the caller is told that it is late, and the notification is spent.
  if (self.deadline.has_value() && !unprompted && !self.timed_out) {
    self.timed_out = Decide(Question::kTimeout, kOptions, Cost::kTimeout) == 1;
  }
  if (self.timed_out) now_ = std::max(now_, *self.deadline);
  return !self.timed_out;
}

void Run::Notify(Cell& condition, bool all, Where where) {
  const Quiet quiet;
  ThreadOfRun& self = Self();
  Reach(self, {OpKind::kNotify, all ? "notify all of" : "notify one of", &condition, where});
  const std::uint32_t object = self.object;
  std::vector<ThreadOfRun*> waiting;
  for (const auto& thread : threads_) {
    if (thread->waits_on == object && !thread->notified) waiting.push_back(thread.get());
  }
  if (waiting.empty()) return;
  Changed(self);
  if (all) {
    for (ThreadOfRun* const thread : waiting) thread->notified = true;
    return;
  }
  std::sort(waiting.begin(), waiting.end(),
            [](const auto* a, const auto* b) { return a->wait_number < b->wait_number; });
  std::vector<Option> options;
  for (const ThreadOfRun* const thread : waiting) {
    options.push_back(static_cast<Option>(thread->number));
  }
  threads_[Decide(Question::kWaiter, options, Cost::kFree)]->notified = true;
}

}  // namespace belfry::explore
