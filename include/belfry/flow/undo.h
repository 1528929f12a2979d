// What is to be undone when a story does not come to its end.
//
//   belfry::Undo undo;
//   const UserId id = co_await store.Insert(user);
//   undo.Add([&store, id] { store.Remove(id); });
//   co_await mail.Welcome(user);
//   undo.Release();  // from here on it stays
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "belfry/export.h"

namespace belfry {

// Its end calls what was added and not released, the last one first: when the story throws, fails,
// is given up, or forgets to release.
//
// Thread safety: one thread at a time. Blocking: what is added must not wait for what runs on the
// same executor.
// Errors: what one of them throws goes to `failed`, and the others are called all the same; without
// a `failed` it ends the program, since something is left that nobody knows of.
class BELFRY_EXPORT Undo {
 public:
  Undo() = default;
  explicit Undo(std::function<void(std::string_view)> failed) : failed_(std::move(failed)) {}
  ~Undo() { Run(); }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;

  void Add(std::function<void()> step) { steps_.push_back(std::move(step)); }
  // All that was added so far stays as it is.
  void Release() { steps_.clear(); }
  // Now, rather than at the end.
  void Run();

  std::size_t size() const { return steps_.size(); }

 private:
  std::function<void(std::string_view)> failed_;
  std::vector<std::function<void()>> steps_;
};

}  // namespace belfry
