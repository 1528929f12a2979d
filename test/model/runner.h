// A walk on a dispatcher and on the model at once.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "belfry/dispatcher.h"
#include "belfry/manual_executor.h"
#include "belfry/manual_timers.h"
#include "model/model.h"

namespace belfry::model {

// Which callable of which listener.
struct Who {
  int listener;
  int generation;
};

class Runner {
 public:
  explicit Runner(bool synchronous);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // What was wrong, "" if nothing. Once.
  std::string Run(const Walk& walk);
  std::uint64_t operations() const { return operations_; }
  const Model& model() const { return model_; }

  // --- For the listeners' callables ---
  // They handle what they get, and ask how to end.
  const Reaction* Handle(Who who, int event);
  bool Fails(Who who, int event, const Reaction* reaction, Reaction::End end);
  void HandleAndThrow(Who who, int event);  // or not
  bool HandleAndFail(Who who, int event);   // whether it is an error
  std::vector<std::pair<const EventPlan*, int>> HandleAndReturn(Who who, int event, Type type,
                                                                std::size_t max);

 private:
  struct Slot {
    Subscription subscription{};
    int listener = 0;
  };

  void Do(const Operation& operation, bool inside);
  void Subscribe(const Operation& operation);
  ListenerOptions OptionsOf(const ListenerPlan& plan, int listener);
  template <class E>
  void SetProjections(const ListenerPlan& plan, int listener, ListenerOptions& options);
  void Publish(const EventPlan& plan);
  template <class E>
  PublishResult PublishAs(const EventPlan& plan, int number);
  PublishOptions OptionsOf(const EventPlan& plan) const;
  void PublishBatch(const Operation& operation);
  void Reset(Slot& slot);
  void Replace(Slot& slot, Body body);
  void Run(int executor, bool one);
  void Wait(int units);
  void PublishLater(const Operation& operation);
  template <class E>
  Scheduled Schedule(const Operation& operation, int number);
  void Cancel(std::size_t handle);
  void ForgetSticky(Type type);
  void Shutdown(ShutdownMode mode);
  void End();

  void Check();
  void CheckTracked();
  void CheckCallables();
  bool Destroyed(int listener, std::size_t generations) const;
  std::shared_ptr<int> NewLife(int listener);
  bool right() const { return model_.wrong().empty(); }

  const bool synchronous_;
  std::uint64_t operations_ = 0;
  const int living_before_;
  ManualTimers timers_;
  std::array<ManualExecutor, kExecutors> executors_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Model model_;
  Told told_;
  std::vector<Subscription> library_;  // who listens to the library's own events
  std::array<Slot, kSlots> slots_;
  struct Later {
    Scheduled scheduled{};
    int event = 0;
  };
  std::array<Later, kHandles> handles_;
  std::array<std::shared_ptr<int>, kOwners> owners_;
  struct Life {
    std::weak_ptr<int> callable;
    bool shown;  // by what it captures
  };
  std::map<int, std::vector<Life>> lives_;    // of each listener's callables
  std::map<std::pair<int, int>, int> tries_;  // of listeners at events
  std::map<int, int> reactions_;              // to events
  std::map<int, Completion<PublishOutcome>> tracked_;
};

}  // namespace belfry::model
