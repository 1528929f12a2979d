// What became of a question.
//
//   if (user.code() == belfry::ReplyCode::kNoListener) {
//     Show("nobody knows any users");
//   } else {
//     Show(user.ok() ? user->name : user.status().ToString());
//   }
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "belfry/check.h"
#include "belfry/export.h"
#include "belfry/status_fwd.h"

namespace belfry {

// What is answered to a query of type Q; see ask.h. Specialise it where Q cannot say so itself.
template <class Q>
struct AnswerTo {
  using type = typename Q::Answer;
};
template <class Q>
using AnswerOf = typename AnswerTo<Q>::type;

// An answer, or why there is none.
enum class ReplyCode : std::uint8_t {
  kAnswered,
  kNoListener,  // nobody answers, or who does was muted or did not want it
  kTimedOut,    // the asker waited in vain, or it waited in the answerer's queue for too long
  kFailed,      // the answerer threw, or returned an error; or the query was refused
  kCancelled,   // the asker let go of it, the answerer was reset, or the dispatcher has ended
};

// The part of a reply that does not depend on its type.
//
// Thread safety: a value; copies share what was answered, which does not change.
class BELFRY_EXPORT AnyReply {
 public:
  AnyReply(ReplyCode code, const absl::Status& why);  // not kAnswered
  static AnyReply Answered(std::shared_ptr<const void> value);

  bool ok() const { return why_ == nullptr; }
  ReplyCode code() const { return code_; }
  // OK; UNIMPLEMENTED (no listener), DEADLINE_EXCEEDED (timed out), CANCELLED; of what failed the
  // status that was returned, UNKNOWN where it threw, or that of the publish's result.
  absl::Status status() const;

 protected:
  const void* answered() const { return value_.get(); }

 private:
  AnyReply() = default;

  ReplyCode code_ = ReplyCode::kAnswered;
  std::shared_ptr<const void> value_;
  std::shared_ptr<const absl::Status> why_;  // null: it was answered
};

template <class T>
class Reply : public AnyReply {
 public:
  explicit Reply(AnyReply reply) : AnyReply(std::move(reply)) {}

  // What was answered. There is none: a bug (aborts).
  const T& value() const {
    BELFRY_CHECK(ok(), "a reply's value was asked for, but nothing was answered");
    return *static_cast<const T*>(answered());
  }
  const T& operator*() const { return value(); }
  const T* operator->() const { return &value(); }
};

// Of a command: whether it was done.
template <>
class Reply<void> : public AnyReply {
 public:
  explicit Reply(AnyReply reply) : AnyReply(std::move(reply)) {}
};

}  // namespace belfry
