// The inline listeners of a topic one behind the other, where some of them ask for an order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dispatch/inline_group.h"
#include "dispatch/inline_listener.h"
#include "sync/sync.h"

namespace belfry {

class Newcomer;

// What passes go through: cells, in order. Those that follow one another in one group are one run,
// and called by one loop. Whether the listener in a cell is to be called is for the pass to see.
//
// Thread safety: passes read the runs, of which nothing is changed from then on but that groups go.
// Everything else is guarded by the topic's mutex.
struct InlineOrder {
  struct Run {
    sync::Atomic<InlineGroup*> group{nullptr};
    std::uint64_t cells = 0;
  };

  // Room for so many cells. Throws std::bad_alloc.
  explicit InlineOrder(std::size_t cells) : capacity(cells), runs(std::make_unique<Run[]>(cells)) {
    listeners.reserve(cells);
  }
  // Of the cells of the listeners.
  void MakeRuns();

  const std::size_t capacity;
  std::size_t size = 0;
  const std::unique_ptr<Run[]> runs;
  std::vector<InlineListener*> listeners;  // all who are subscribed
  std::unique_ptr<InlineOrder> next;       // in a list of those that are not current any more

 private:
  void Add(InlineGroup& group, unsigned index);
};

// What a change needs; made under no lock.
struct InlineOrdering {
  // Room for so many cells, and the newcomer's place. False when there is none. Throws
  // std::bad_alloc.
  bool Make(std::size_t cells);

  Newcomer* newcomer = nullptr;  // null: nobody comes
  std::unique_ptr<InlineOrder> room{};
};

// A topic's. A pass says in its frame which one it goes through, so that one that stands still
// keeps that one and no other.
//
// Thread safety: Use is a pass's; everything else under the topic's mutex.
class InlineOrders {
 public:
  InlineOrders() = default;
  ~InlineOrders();
  InlineOrders(const InlineOrders&) = delete;
  InlineOrders& operator=(const InlineOrders&) = delete;

  // A pass's. The order stays while the frame uses it. Null: none asks for one any more.
  class Use {
   public:
    Use(const InlineOrders& orders, Frame& frame);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    const InlineOrder* order() const { return order_; }

   private:
    Frame& frame_;
    const InlineOrder* order_;
  };

  // Whether there is one: whether some listener asks for it.
  bool any() const { return current_.load(std::memory_order_relaxed) != nullptr; }
  // Whether what it was made for is still so, with that many cells in use before the change.
  bool IsReady(const InlineOrdering& ordering, std::size_t cells) const;
  // The newcomer is that listener now. What the ordering has afterwards is to be destroyed under no
  // lock, and so is what is `left`.
  void Enter(InlineListener& listener, InlineOrdering& ordering);
  // One has another cell now.
  void Renew(InlineOrdering& ordering);
  void Leave(InlineListener& listener, std::unique_ptr<InlineOrder>& left);
  // That one has no listeners, and goes.
  void Forget(const InlineGroup& group);

 private:
  void Publish(std::unique_ptr<InlineOrder> order, std::unique_ptr<InlineOrder>& left);

  sync::Atomic<InlineOrder*> current_{nullptr};
  std::unique_ptr<InlineOrder> retired_;  // passes still go through them
  std::size_t asking_ = 0;
};

}  // namespace belfry
