// The sweep: of every operation of the loop and of connections the n-th system call fails, for
// every n, in every way in which it plausibly may.

#include "io/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "faults.h"
#include "waiting.h"

namespace belfry {
namespace {

using sys::Call;

// How one kind of call may fail.
struct Faults {
  Call call;
  std::vector<sys::Fault> passing;  // nobody must notice
  std::vector<int> told;            // the error comes out
};

sys::Fault Error(int error) { return {.error = error}; }
const sys::Fault kOneByte{.bytes_max = 1};

const std::vector<Faults>& AllFaults() {
  static const std::vector<Faults> faults = {
      // Errors of the one connection are passed over, see accept(2).
      {Call::kAccept,
       {Error(EINTR), Error(EAGAIN), Error(ECONNABORTED), Error(EPROTO), Error(EPERM),
        Error(ENETDOWN), Error(ENOPROTOOPT), Error(EHOSTDOWN), Error(ENONET), Error(EHOSTUNREACH),
        Error(EOPNOTSUPP), Error(ENETUNREACH), Error(ETIMEDOUT)},
       {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
      {Call::kBind, {}, {EADDRINUSE, EADDRNOTAVAIL, EACCES, EROFS, ENOMEM}},
      {Call::kClose, {Error(EINTR), Error(EIO)}, {}},
      {Call::kConnect,
       {Error(EINTR), Error(EINPROGRESS)},
       {ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EACCES, EAGAIN}},
      {Call::kEpollAdd, {}, {ENOMEM, ENOSPC}},
      {Call::kEpollCreate, {}, {EMFILE, ENFILE, ENOMEM}},
      {Call::kEpollModify, {Error(ENOMEM)}, {}},
      {Call::kEpollWait, {Error(EINTR)}, {}},
      {Call::kEventfd, {}, {EMFILE, ENFILE, ENOMEM, ENODEV}},
      {Call::kFcntl, {}, {EPERM}},
      {Call::kGetpeername, {}, {ENOTCONN, ENOBUFS}},
      {Call::kGetsockname, {}, {ENOBUFS}},
      {Call::kGetsockopt, {}, {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH}},  // SO_ERROR says so
      {Call::kListen, {}, {EADDRINUSE}},
      {Call::kOpen, {}, {EMFILE, ENFILE, ENOMEM, EACCES}},
      {Call::kRecv,
       {Error(EINTR), Error(EAGAIN), kOneByte},
       {ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH}},
      {Call::kSend,
       {Error(EINTR), Error(EAGAIN), kOneByte},
       {ECONNRESET, EPIPE, ENOBUFS, ETIMEDOUT}},
      {Call::kSetsockopt, {}, {ENOBUFS, ENOMEM}},
      {Call::kShutdown, {}, {ENOTCONN}},
      {Call::kSocket, {}, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT}},
      {Call::kStartThread, {}, {EAGAIN}},
      {Call::kStat, {}, {EACCES, ENOENT}},
      {Call::kUnlink, {}, {EACCES, EBUSY, EROFS}},
  };
  return faults;
}

// These two are of pipes, and of the eventfd that wakes a loop, where only the first may occur.
const std::vector<Faults>& PipeFaults() {
  static const std::vector<Faults> faults = {
      {Call::kRead, {Error(EINTR), Error(EAGAIN), kOneByte}, {EIO}},
      {Call::kWrite, {Error(EINTR), Error(EAGAIN), kOneByte}, {EPIPE, EIO}},
  };
  return faults;
}
const std::vector<Faults>& WakeUpFaults() {
  static const std::vector<Faults> faults = {
      {Call::kRead, {Error(EINTR)}, {}},
      {Call::kWrite, {Error(EINTR)}, {}},
  };
  return faults;
}

class SweepTest : public testing::TestWithParam<Operation> {
 protected:
  void Sweep(const std::vector<Faults>& kinds) {
    for (const Faults& kind : kinds) {
      for (const sys::Fault& fault : kind.passing) FailEachOnce(kind.call, fault, false);
      for (const int error : kind.told) FailEachOnce(kind.call, Error(error), true);
    }
  }

 private:
  static std::string Run(Stage& stage) {
    try {
      return GetParam().run(stage);
    } catch (const std::system_error& error) {
      return error.what();
    }
  }

  // Until the operation makes no more calls of that kind.
  void FailEachOnce(Call call, sys::Fault fault, bool told) {
    constexpr int kMany = 200;
    bool hit = true;
    for (int n = 1; hit && !HasFailure(); ++n) {
      SCOPED_TRACE(testing::Message() << "call " << static_cast<int>(call) << ", number " << n
                                      << ": " << ErrorText(fault.error));
      ASSERT_LT(n, kMany);
      hit = FailOnce(call, n, fault, told);
    }
  }

  // Whether there were so many calls.
  bool FailOnce(Call call, int n, sys::Fault fault, bool told) {
    const std::size_t descriptors = CountDescriptors();
    bool hit = false;
    {
      Stage stage(call);
      EXPECT_TRUE(stage.NeighbourIsServed());
      std::string outcome;
      {
        const FailNth failing(call, n, fault);
        outcome = Run(stage);
        hit = failing.hit();
      }
      ExpectRight(outcome, {call, n}, hit ? fault.error : 0, told);
      EXPECT_TRUE(stage.NeighbourIsServed());
      if (hit) {
        EXPECT_EQ(Run(stage), "") << "when it was done again";
      }
    }
    EXPECT_EQ(CountDescriptors(), descriptors);
    return hit;
  }

  static void ExpectRight(const std::string& outcome, NthCall failed, int error, bool told) {
    const Operation& operation = GetParam();
    if (error != 0 && operation.instead != 0 && outcome.ends_with(ErrorText(operation.instead))) {
      return;
    }
    const auto& passed_over = operation.passed_over;
    const bool may_pass =
        std::any_of(passed_over.begin(), passed_over.end(), [&](const NthCall& one) {
          return one.call == failed.call && (one.n == 0 || one.n == failed.n);
        });
    if (error == 0 || !told || (may_pass && outcome.empty())) {
      EXPECT_EQ(outcome, "");
    } else {
      EXPECT_TRUE(outcome.ends_with(ErrorText(error)))
          << "it should be told \"" << ErrorText(error) << "\", and is \"" << outcome << "\"";
    }
  }
};

std::string Name(const testing::TestParamInfo<Operation>& info) { return info.param.name; }

using LoopSweepTest = SweepTest;
using ServerSweepTest = SweepTest;
using ConnectionSweepTest = SweepTest;

TEST_P(LoopSweepTest, TheErrorIsToldNothingLeaksAndOthersGoOn) {
  Sweep(AllFaults());
  Sweep(WakeUpFaults());
}
TEST_P(ServerSweepTest, TheErrorIsToldNothingLeaksAndOthersGoOn) { Sweep(AllFaults()); }
TEST_P(ConnectionSweepTest, TheErrorIsToldNothingLeaksAndOthersGoOn) {
  Sweep(AllFaults());
  Sweep(PipeFaults());
}

// Which calls were made, on any thread.
class CallsMade final : public sys::Hook {
 public:
  CallsMade() { sys::SetHook(this); }
  ~CallsMade() { sys::SetHook(nullptr); }
  sys::Fault Before(Call call) noexcept override {
    made_[static_cast<std::size_t>(call)] = true;
    return {};
  }
  std::set<Call> all() const {
    std::set<Call> calls;
    for (std::size_t i = 0; i < made_.size(); ++i) {
      if (made_[i]) calls.insert(static_cast<Call>(i));
    }
    return calls;
  }

 private:
  std::array<std::atomic<bool>, static_cast<std::size_t>(Call::kWrite) + 1> made_{};
};

TEST(SweepTablesTest, EachCallThatTheOperationsMakeMayFailAndNoOther) {
  std::set<Call> may_fail;
  for (const auto* faults : {&AllFaults(), &PipeFaults()}) {
    for (const Faults& kind : *faults) may_fail.insert(kind.call);
  }
  may_fail.insert(Call::kEpollDelete);  // which cannot fail: what it names is watched
  may_fail.insert(Call::kGetrandom);    // the dispatcher's
  CallsMade made;
  for (const auto* operations : {&LoopOperations(), &ServerOperations(), &ConnectionOperations()}) {
    for (const Operation& operation : *operations) {
      Stage stage(Call::kEpollDelete);
      EXPECT_EQ(operation.run(stage), "") << operation.name;
    }
  }
  EXPECT_EQ(made.all(), may_fail);
}

INSTANTIATE_TEST_SUITE_P(, LoopSweepTest, testing::ValuesIn(LoopOperations()), Name);
INSTANTIATE_TEST_SUITE_P(, ServerSweepTest, testing::ValuesIn(ServerOperations()), Name);
INSTANTIATE_TEST_SUITE_P(, ConnectionSweepTest, testing::ValuesIn(ConnectionOperations()), Name);

}  // namespace
}  // namespace belfry
