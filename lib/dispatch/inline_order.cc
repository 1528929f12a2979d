#include "dispatch/inline_order.h"

#include <bit>
#include <utility>

#include "dispatch/frame.h"
#include "dispatch/newcomer.h"
#include "dispatch/thread_record.h"

namespace belfry {

void InlineOrder::Add(InlineGroup& group, unsigned index) {
  if (size > 0) {
    Run& last = runs[size - 1];
    const bool behind = static_cast<unsigned>(std::bit_width(last.cells)) <= index;
    if (behind && last.group.load(std::memory_order_relaxed) == &group) {
      last.cells |= InlineGroup::Bit(index);
      return;
    }
  }
  Run& run = runs[size++];
  run.group.store(&group, std::memory_order_relaxed);
  run.cells = InlineGroup::Bit(index);
}

// Of each listener the cells of former callables as well, which passes of older listener sets call:
// each pass finds one of them in its set.
void InlineOrder::MakeRuns() {
  for (InlineListener* const listener : listeners) {
    for (InlineListener* one = listener; one != nullptr; one = one->former_) {
      if (one->state_ != InlineListener::State::kGone) Add(*one->group_, one->index_);
    }
  }
}

bool InlineOrdering::Make(std::size_t cells) {
  if (newcomer != nullptr && !newcomer->FindPlace()) return false;
  constexpr std::size_t kMore = 8;  // may come meanwhile
  room = std::make_unique<InlineOrder>(cells + kMore);
  return true;
}

// --- A pass's ---

// Said first, and then looked at again: whoever replaces it finds it said, or this finds the new
// one.
InlineOrders::Use::Use(const InlineOrders& orders, Frame& frame) : frame_(frame) {
  const InlineOrder* now = orders.current_.load(std::memory_order_seq_cst);
  do {
    order_ = now;
    frame_.order_.store(order_, std::memory_order_seq_cst);
    now = orders.current_.load(std::memory_order_seq_cst);
  } while (now != order_);
}

InlineOrders::Use::~Use() { frame_.order_.store(nullptr, std::memory_order_release); }

// --- Under the mutex ---

InlineOrders::~InlineOrders() { delete current_.load(std::memory_order_relaxed); }

bool InlineOrders::IsReady(const InlineOrdering& ordering, std::size_t cells) const {
  const Newcomer* const newcomer = ordering.newcomer;
  if (newcomer != nullptr && !newcomer->has_place()) return false;
  const bool ordered = any() || (newcomer != nullptr && newcomer->asks());
  return !ordered || (ordering.room != nullptr && ordering.room->capacity > cells);
}

void InlineOrders::Enter(InlineListener& listener, InlineOrdering& ordering) {
  if (listener.order() != nullptr) ++asking_;
  if (asking_ == 0) return;
  std::unique_ptr<InlineOrder> order = std::move(ordering.room);
  for (const Listener* const other : ordering.newcomer->found()->listeners) {
    const auto* const one = static_cast<const InlineListener*>(other);
    order->listeners.push_back(one == nullptr ? &listener : const_cast<InlineListener*>(one));
  }
  order->MakeRuns();
  Publish(std::move(order), ordering.room);
}

void InlineOrders::Renew(InlineOrdering& ordering) {
  if (!any()) return;
  std::unique_ptr<InlineOrder> order = std::move(ordering.room);
  order->listeners = current_.load(std::memory_order_relaxed)->listeners;  // there is room for them
  order->MakeRuns();
  Publish(std::move(order), ordering.room);
}

void InlineOrders::Leave(InlineListener& listener, std::unique_ptr<InlineOrder>& left) {
  if (listener.order() != nullptr) --asking_;
  if (!any()) return;
  std::erase(current_.load(std::memory_order_relaxed)->listeners, &listener);
  if (asking_ == 0) Publish(nullptr, left);
}

// A cell that is used again needs no such care: who comes to it is in a new order, and too young
// for the passes that go through an older one.
void InlineOrders::Forget(const InlineGroup& group) {
  InlineOrder* const order = current_.load(std::memory_order_relaxed);
  if (order == nullptr) return;
  for (std::size_t i = 0; i < order->size; ++i) {
    sync::Atomic<InlineGroup*>& one = order->runs[i].group;
    if (one.load(std::memory_order_relaxed) == &group)
      one.store(nullptr, std::memory_order_release);
  }
}

void InlineOrders::Publish(std::unique_ptr<InlineOrder> order, std::unique_ptr<InlineOrder>& left) {
  std::unique_ptr<InlineOrder> former(current_.load(std::memory_order_relaxed));
  current_.store(order.release(), std::memory_order_seq_cst);
  if (former != nullptr) {
    former->next = std::move(retired_);
    retired_ = std::move(former);
  }
  for (std::unique_ptr<InlineOrder>* link = &retired_; *link != nullptr;) {
    bool used = false;
    Frame::ForEach([&](const Frame& frame) { used = used || frame.order() == link->get(); });
    if (used) {
      link = &(*link)->next;
      continue;
    }
    std::unique_ptr<InlineOrder> unused = std::move(*link);
    *link = std::move(unused->next);
    unused->next = std::move(left);
    left = std::move(unused);
  }
}

}  // namespace belfry
