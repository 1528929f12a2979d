// Events that are published when all that belongs to them went well, and forgotten otherwise.
//
//   belfry::Batch batch(dispatcher);
//   for (const Item& item : order.items) {
//     Reserve(item);                             // throws: nothing has been published
//     batch.Add(ItemReserved{item.id});
//   }
//   if (!batch.Commit()) GiveBack(order);
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "belfry/held_event.h"
#include "belfry/publisher.h"

namespace belfry {

// Holds events until Commit publishes them in the order in which they were added. What was not
// committed goes with it.
//
// Thread safety: none; one thread at a time.
// Order: that of as many publishes of the committing thread; those of other threads may come in
// between.
// Lifetime: may outlive the dispatcher, which refuses the events then.
class Batch {
 public:
  explicit Batch(Publisher publisher) : publisher_(std::move(publisher)) {}

  // An event, or a std::shared_ptr<const E>. Throws std::bad_alloc and what its move throws, with
  // nothing added.
  template <class E>
  void Add(E&& event) {
    waiting_.push_back(HoldEvent(std::forward<E>(event)));
  }

  // Stops at the first one that is refused, and says why; it and those behind it stay, for another
  // try. Blocking and exceptions: as Publisher::Publish.
  PublishResult Commit() {
    while (!waiting_.empty()) {
      HeldEvent& first = *waiting_.front();
      const PublishResult result = publisher_.PublishErased(first.type(), first.handle());
      if (!result.ok()) return result;
      waiting_.pop_front();
    }
    return {};
  }
  void Clear() { waiting_.clear(); }

  std::size_t size() const { return waiting_.size(); }
  bool empty() const { return waiting_.empty(); }

 private:
  Publisher publisher_;
  std::deque<std::unique_ptr<HeldEvent>> waiting_;
};

}  // namespace belfry
