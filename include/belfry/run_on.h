// A call on another executor, and what it brings.
//
//   const auto work = [=] { return Hash(password); };
//   const absl::StatusOr<std::string> hash = co_await belfry::RunOn(pool, work);
#pragma once

#include <cxxabi.h>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/ambient_context.h"
#include "belfry/completion.h"
#include "belfry/executor.h"

namespace belfry {

// How a call that returns R ends: an absl::Status, or an absl::StatusOr of what it returns.
template <class R>
struct CallResult {
  using type = absl::StatusOr<R>;
};
template <>
struct CallResult<void> {
  using type = absl::Status;
};
template <>
struct CallResult<absl::Status> {
  using type = absl::Status;
};
template <class T>
struct CallResult<absl::StatusOr<T>> {
  using type = absl::StatusOr<T>;
};

// Users need nothing from this class: a call that is its own node in the executor's queue.
template <class F>
class PostedCall final : public Runnable {
 public:
  using R = std::invoke_result_t<F&>;
  using Result = typename CallResult<R>::type;

  explicit PostedCall(F work) : work_(std::move(work)) {}
  ~PostedCall() { result_.Finish(absl::CancelledError("the call was given up")); }
  const Completion<Result>& result() const { return result_; }

  void Run() override {
    const std::unique_ptr<PostedCall> self(this);
    Result returned = Call();
    work_.reset();  // what it has captured goes before anybody goes on
    result_.FinishIn(context_, std::move(returned));
  }

 private:
  Result Call() {
    const AmbientScope scope(context_);
    try {
      if constexpr (std::is_void_v<R>) {
        std::invoke(*work_);
        return absl::OkStatus();
      } else {
        return std::invoke(*work_);
      }
    } catch (const abi::__forced_unwind&) {
      throw;
    } catch (const std::exception& error) {
      return absl::UnknownError(error.what());
    } catch (...) {
      return absl::UnknownError("an exception that is not a std::exception");
    }
  }

  std::optional<F> work_;
  const Completion<Result> result_;
  const AmbientContext context_ = AmbientContext::Current();
};

// Calls `work` once, later, on the executor, with the current cause, and finishes with what it
// returns. It may be movable only; it is destroyed there, before anybody goes on.
//
// Thread safety: any thread. Blocking: never; `work` may where Executor::may_block.
// Lifetime: whoever awaits may go: `work` is called all the same.
// Errors: UNKNOWN and what it has thrown; CANCELLED, its thread was ended meanwhile. Nothing is
// refused; throws std::bad_alloc, or what moving `work` throws, with nothing posted.
template <std::invocable F>
Completion<typename PostedCall<F>::Result> RunOn(Executor& executor, F work) {
  auto call = std::make_unique<PostedCall<F>>(std::move(work));
  const auto result = call->result();
  executor.Post(*call.release());
  return result;
}

}  // namespace belfry
