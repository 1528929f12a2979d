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
#include <type_traits>
#include <utility>

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
    using Held = std::remove_cvref_t<E>;
    struct Typed final : Waiting {
      explicit Typed(E&& given) : held(std::forward<E>(given)) {}
      PublishResult Publish(const Publisher& publisher) override {
        return publisher.Publish(std::move(held));
      }
      Held held;
    };
    waiting_.push_back(std::make_unique<Typed>(std::forward<E>(event)));
  }

  // Stops at the first one that is refused, and says why; it and those behind it stay, for another
  // try. Blocking and exceptions: as Publisher::Publish.
  PublishResult Commit() {
    while (!waiting_.empty()) {
      const PublishResult result = waiting_.front()->Publish(publisher_);
      if (!result.ok()) return result;
      waiting_.pop_front();
    }
    return {};
  }
  void Clear() { waiting_.clear(); }

  std::size_t size() const { return waiting_.size(); }
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    virtual ~Waiting() = default;
    virtual PublishResult Publish(const Publisher& publisher) = 0;
  };

  Publisher publisher_;
  std::deque<std::unique_ptr<Waiting>> waiting_;
};

}  // namespace belfry
