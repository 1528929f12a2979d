// An executor that runs nothing until it is told to: for tests and single-threaded programs.
//
//   belfry::ManualExecutor executor;
//   belfry::Dispatcher dispatcher({.executor = &executor});
//   auto oven = dispatcher.Subscribe([](const OrderPlaced& order) { Bake(order.pizza); });
//   dispatcher.Publish(OrderPlaced{"margherita"});
//   executor.RunUntilIdle();   // the listeners run here, on this thread
#pragma once

#include <cstddef>
#include <memory>

#include "belfry/executor.h"
#include "belfry/export.h"

namespace belfry {

// Thread safety: any thread may post; any thread may run, one at a time (a second one aborts).
// Order: first in, first out. Lifetime: the destructor runs what is left.
// Errors: what work throws passes through to whoever runs it; the rest stays posted.
class BELFRY_EXPORT ManualExecutor final : public Executor {
 public:
  ManualExecutor();
  ~ManualExecutor() override;

  using Executor::Post;
  void Post(Runnable& work) override;

  // Runs the oldest piece of work; false when there is none.
  bool RunOne();

  // Runs until nothing is left, work posted meanwhile included. Returns how many pieces ran.
  std::size_t RunUntilIdle();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
