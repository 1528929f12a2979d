// A doubly linked list through its members.
#pragma once

#include <utility>

namespace belfry {

template <class T>
struct Links {
  T* before = nullptr;
  T* behind = nullptr;
};

// Of members that have Links named by `Member`, and are in no other list by them. Never allocates.
//
// Thread safety: none of its own.
template <class T, Links<T> T::*Member>
class LinkedList {
 public:
  bool empty() const { return first_ == nullptr; }
  T* first() const { return first_; }

  void PushBack(T& member) {
    member.*Member = {last_, nullptr};
    (last_ == nullptr ? first_ : (last_->*Member).behind) = &member;
    last_ = &member;
  }
  void Remove(T& member) {
    const Links<T> ends = std::exchange(member.*Member, {});
    (ends.before == nullptr ? first_ : (ends.before->*Member).behind) = ends.behind;
    (ends.behind == nullptr ? last_ : (ends.behind->*Member).before) = ends.before;
  }
  // Null when it is empty.
  T* PopFront() {
    T* const member = first_;
    if (member != nullptr) Remove(*member);
    return member;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace belfry
