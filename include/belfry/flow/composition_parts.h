// The parts of a composition: what may be said of each, and those that have come.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belfry/clock.h"
#include "belfry/event_filter.h"
#include "belfry/event_id.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

// One part, where its event type alone does not say enough: events of one type may be two parts.
//
//   belfry::Composition transfers =
//       belfry::Compose<Transferred>(dispatcher, {.name = "transfer"})
//           .AllOf(belfry::Part<Booked>{.name = "debit",
//                                       .filter = [](const Booked& b) { return b.amount < 0; }},
//                  belfry::Part<Booked>{.name = "credit",
//                                       .filter = [](const Booked& b) { return b.amount > 0; }})
//           .By([](const Booked& b) { return b.transfer; })
//           .Emit([](const Booked& debit, const Booked& credit) {
//             return Transferred{debit.account, credit.account};
//           })
//           .Start();
//
// An event is at most one part: the first one, as they are listed, that wants it and is missing.
template <class E>
struct Part {
  std::string name{};    // "" stands for the name of the event type
  EventFilter filter{};  // called on the publishing thread
};

// What is known of a part before any has come.
struct PartInfo {
  EventType type;
  std::string name;
};

// The copy of an event that has come as a part.
class HeldPart {
 public:
  HeldPart() = default;
  virtual ~HeldPart() = default;
  HeldPart(const HeldPart&) = delete;
  HeldPart& operator=(const HeldPart&) = delete;
  virtual const void* event() const = 0;

  EventId id{};
  SteadyTime came{};  // known where it matters
  std::size_t index = 0;
  mutable bool undo_begun = false;

 private:
  friend class HeldParts;
  HeldPart* next_ = nullptr;
};

template <class E>
class HeldPartOf final : public HeldPart {
 public:
  explicit HeldPartOf(const E& event) : event_(event) {}
  const void* event() const override { return &event_; }

 private:
  const E event_;
};

// Those of one key, in the order in which they came.
class BELFRY_EXPORT HeldParts {
 public:
  HeldParts() = default;
  HeldParts(HeldParts&& other) noexcept { Swap(other); }
  HeldParts& operator=(HeldParts&& other) noexcept {
    HeldParts(std::move(other)).Swap(*this);
    return *this;
  }
  ~HeldParts();

  void PushBack(std::unique_ptr<HeldPart> part);
  std::unique_ptr<HeldPart> PopFront();                  // null when it is empty
  std::unique_ptr<HeldPart> TakeOut(std::size_t index);  // null when there is none
  const HeldPart* first() const { return first_; }
  const HeldPart* last() const { return last_; }
  static const HeldPart* After(const HeldPart& part) { return part.next_; }
  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }
  std::vector<EventId> ids() const;

 private:
  void Swap(HeldParts& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    std::swap(size_, other.size_);
  }

  HeldPart* first_ = nullptr;
  HeldPart* last_ = nullptr;
  std::size_t size_ = 0;
};

// What has come of one composition.
// Lifetime: the call it is given to.
class BELFRY_EXPORT GotParts {
 public:
  GotParts(const HeldParts& held, std::span<const PartInfo> infos) : held_(held), infos_(infos) {}

  // The first part of that type, or of that name, that has come; null when there is none.
  template <class E>
  const E* Get() const {
    return static_cast<const E*>(Find(EventTypeOf<E>(), nullptr));
  }
  template <class E>
  const E* Get(std::string_view part) const {
    return static_cast<const E*>(Find(EventTypeOf<E>(), &part));
  }
  std::vector<std::string> names() const;  // in the order in which they came

  // By its place in the list of parts.
  template <class E>
  const E* At(std::size_t index) const {
    return static_cast<const E*>(Event(index));
  }
  const HeldParts& held() const { return held_; }

 private:
  const void* Find(EventType type, const std::string_view* name) const;
  const void* Event(std::size_t index) const;

  const HeldParts& held_;
  const std::span<const PartInfo> infos_;
};

// The names of the parts that have not come.
using MissingParts = std::vector<std::string>;

}  // namespace belfry
