// What EventLoop::Post must know of a closure's type, so that the rest need not.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "belfry/check.h"
#include "belfry/executor.h"

namespace belfry {

// How closures of one type get into a loop's memory.
struct ClosureKind {
  std::size_t size = 0;
  std::size_t alignment = 0;
  bool is_bytes = false;  // to move one is to copy its bytes: that runs nobody's code
  // Moves `closure` into `memory`. Once it has run and is destroyed, counts `ended` up.
  Runnable& (*build)(void* memory, std::size_t& ended, void* closure) noexcept = nullptr;
};

// A posted closure in the loop's memory.
template <class Closure>
class PostedClosure final : public Runnable {
 public:
  PostedClosure(std::size_t& ended, Closure&& closure) noexcept
      : ended_(ended), closure_(std::move(closure)) {}
  ~PostedClosure() = default;

  void Run() override {
    const End end(*this);
    static_cast<void>(closure_());
  }

  static Runnable& Build(void* memory, std::size_t& ended, void* closure) noexcept {
    return *::new (memory) PostedClosure(ended, std::move(*static_cast<Closure*>(closure)));
  }

 private:
  // Also when a cancelled thread unwinds.
  struct End {
    explicit End(PostedClosure& ending) : posted(ending) {}
    ~End() {
      std::size_t& ended = posted.ended_;
      posted.~PostedClosure();
      ++ended;
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    PostedClosure& posted;
  };

  std::size_t& ended_;
  Closure closure_;
};

template <class Closure>
inline constexpr ClosureKind kClosureKind{
    .size = sizeof(PostedClosure<Closure>),
    .alignment = alignof(PostedClosure<Closure>),
    .is_bytes = std::is_trivially_copyable_v<Closure>,
    .build = &PostedClosure<Closure>::Build,
};

// What lies in the loop's memory itself; all else goes there as a pointer to the heap.
inline constexpr std::size_t kClosureSizeMax = 1024;
inline constexpr std::size_t kClosureAlignmentMax = 64;

template <class Closure>
inline constexpr bool kLiesInLoop =
    std::is_nothrow_move_constructible_v<Closure>&& kClosureKind<Closure>.size <=
    kClosureSizeMax&& kClosureKind<Closure>.alignment <= kClosureAlignmentMax;

// What can be posted as a closure: anything to call without arguments.
template <class F>
concept Postable = std::invocable < std::decay_t<F>
& > &&std::constructible_from<std::decay_t<F>, F> &&
    !std::derived_from<std::remove_cvref_t<F>, Runnable>;

// Calls `put(kind, address)` with a closure made of `work`, to be moved from. `work` itself is
// copied, or moved, only if it must be.
template <class F, class Put>
void WithClosure(F&& work, Put put) {
  using Closure = std::decay_t<F>;
  if constexpr (std::is_pointer_v<std::remove_cvref_t<F>> ||
                std::is_same_v<Closure, std::function<void()>>) {
    BELFRY_CHECK(work != nullptr, "an empty function was posted");
  }
  if constexpr (!kLiesInLoop<Closure>) {
    WithClosure([closure = std::make_unique<Closure>(std::forward<F>(work))] { (*closure)(); },
                std::move(put));
  } else if constexpr (std::is_same_v<F, Closure>) {
    put(kClosureKind<Closure>, std::addressof(work));
  } else {
    Closure closure(std::forward<F>(work));
    put(kClosureKind<Closure>, std::addressof(closure));
  }
}

}  // namespace belfry
