#include "belfry/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "belfry/dispatcher.h"
#include "belfry/flow/tasks.h"
#include "belfry/manual_executor.h"
#include "faults.h"
#include "io/recorder.h"

namespace belfry {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Text(const absl::Status& status) { return std::string(status.message()); }

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    descriptors_before_ = CountDescriptors();
    threads_before_ = CountThreads();
    Make({});
  }

  void TearDown() override {
    files_.reset();
    reads_subscription_.Reset();
    writes_subscription_.Reset();
    dispatcher_.reset();
    EXPECT_EQ(CountDescriptors(), descriptors_before_);
    EXPECT_TRUE(Eventually([&] { return CountThreads() == threads_before_; }));
  }

  void Make(BlockingFilesOptions options) {
    files_.reset();
    reads_subscription_.Reset();
    writes_subscription_.Reset();
    dispatcher_ = std::make_unique<Dispatcher>(DispatcherOptions{.pool = {.threads = 1}});
    reads_subscription_ = dispatcher_->Subscribe(
        [this](const FileReadFinished& done) { reads_.Add(done); }, {.run = Run::kInline});
    writes_subscription_ = dispatcher_->Subscribe(
        [this](const FileWriteFinished& done) { writes_.Add(done); }, {.run = Run::kInline});
    files_ = std::make_unique<BlockingFiles>(*dispatcher_, options);
  }

  FileReadFinished Read(const std::string& path) {
    const std::size_t before = reads_.size();
    const FileRequest<FileReadFinished> request = files_->Read(path);
    EXPECT_TRUE(request);
    FileReadFinished done = reads_.Await(before + 1);
    EXPECT_EQ(done.operation, request.operation());
    EXPECT_EQ(done.path, path);
    return done;
  }

  absl::Status Write(const std::string& path, const std::string& content,
                     const FileWriteOptions& options = {}) {
    const std::size_t before = writes_.size();
    EXPECT_TRUE(files_->Write(path, content, options));
    return writes_.Await(before + 1).status;
  }

  TemporaryFolder folder_;
  Recorder<FileReadFinished> reads_;
  Recorder<FileWriteFinished> writes_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Subscription reads_subscription_;
  Subscription writes_subscription_;
  std::unique_ptr<BlockingFiles> files_;

 private:
  std::size_t descriptors_before_ = 0;
  std::size_t threads_before_ = 0;
};

TEST_F(FilesTest, WhatWasWrittenIsReadBack) {
  const std::string content = std::string("a\0b", 3) + std::string(3 << 20, 'x');
  EXPECT_TRUE(Write(folder_ / "f", content, {.mode = 0600}).ok());
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const FileReadFinished done = Read(folder_ / "f");
  EXPECT_TRUE(done.status.ok()) << done.status;
  EXPECT_TRUE(done.content == content);
}

TEST_F(FilesTest, AnEmptyFileIsReadAsEmpty) {
  EXPECT_TRUE(Write(folder_ / "f", "").ok());
  const FileReadFinished done = Read(folder_ / "f");
  EXPECT_TRUE(done.status.ok());
  EXPECT_EQ(done.content, "");
}

TEST_F(FilesTest, AFileWhoseSizeTheSystemDoesNotKnowIsReadWhole) {
  const FileReadFinished done = Read("/proc/self/status");
  EXPECT_TRUE(done.status.ok());
  EXPECT_THAT(done.content, HasSubstr("Threads:"));
}

TEST_F(FilesTest, OperationsAreNumberedFromOne) {
  EXPECT_EQ(files_->Read(folder_ / "a").operation(), 1U);
  EXPECT_EQ(files_->Write(folder_ / "b", "").operation(), 2U);
}

TEST_F(FilesTest, WhatCannotBeReadSaysWhyAndNamesThePath) {
  const FileReadFinished missing = Read(folder_ / "missing");
  EXPECT_EQ(missing.status.code(), StatusCode::kNotFound);
  EXPECT_THAT(Text(missing.status), HasSubstr(folder_ / "missing"));
  EXPECT_EQ(Read(folder_ / "").status.code(), StatusCode::kFailedPrecondition);  // a directory
  EXPECT_EQ(Read("").status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Read(std::string("a\0b", 3)).status.code(), StatusCode::kInvalidArgument);
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(Read(folder_ / "fifo").status.code(), StatusCode::kFailedPrecondition);
}

TEST_F(FilesTest, WhatCannotBeWrittenSaysWhy) {
  EXPECT_EQ(Write(folder_ / "no/such", "x").code(), StatusCode::kNotFound);
  EXPECT_EQ(Write(folder_ / "", "x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Write(std::string("a\0b", 3), "x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Write(folder_ / "f", "x", {.temporary = std::string("a\0b", 3)}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(folder_.entries(), 0U);
}

TEST_F(FilesTest, AFileLargerThanTheLimitIsRefusedAlsoWhenItGrewWhileItWasRead) {
  Make({.read_bytes_max = 1000});
  TemporaryFolder::Fill(folder_ / "fits", std::string(1000, 'x'));
  EXPECT_TRUE(Read(folder_ / "fits").status.ok());
  TemporaryFolder::Fill(folder_ / "large", std::string(1001, 'x'));
  const FileReadFinished large = Read(folder_ / "large");
  EXPECT_EQ(large.status.code(), StatusCode::kOutOfRange);
  EXPECT_EQ(large.content, "");
  EXPECT_EQ(Read("/proc/self/status").status.code(), StatusCode::kOutOfRange);  // says size 0
}

TEST_F(FilesTest, ATemporaryIsRenamedSoThatNobodySeesHalfAFile) {
  TemporaryFolder::Fill(folder_ / "f", "old");
  TemporaryFolder::Fill(folder_ / "t", "left over by a crash, and longer");
  EXPECT_TRUE(Write(folder_ / "f", "new", {.temporary = folder_ / "t", .durable = true}).ok());
  EXPECT_EQ(TemporaryFolder::Content(folder_ / "f"), "new");
  EXPECT_EQ(folder_.entries(), 1U);
}

TEST_F(FilesTest, DurableSynchronisesTheFileAndThenItsDirectory) {
  {
    const FailNth count(sys::Call::kFsync, 0, 0);
    EXPECT_TRUE(Write(folder_ / "a", "x").ok());
    EXPECT_EQ(count.calls(), 0);
    EXPECT_TRUE(Write(folder_ / "a", "x", {.durable = true}).ok());
    EXPECT_EQ(count.calls(), 2);
  }
  const FailNth fail(sys::Call::kFsync, 2, EIO);
  const absl::Status status =
      Write(folder_ / "b", "x", {.temporary = folder_ / "t", .durable = true});
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(TemporaryFolder::Content(folder_ / "b"), "x");  // it is there, but not for sure
}

TEST_F(FilesTest, ShortAndInterruptedCallsChangeNothing) {
  std::string content;
  for (int i = 0; i < 20000; ++i) content += std::to_string(i);
  {
    const ShortCalls writes(sys::Call::kWrite, 1000);
    EXPECT_TRUE(Write(folder_ / "f", content).ok());
  }
  const ShortCalls reads(sys::Call::kRead, 1000);
  EXPECT_TRUE(Read(folder_ / "f").content == content);
}

struct FaultCase {
  sys::Call call;
  int error;
};

// Whatever call fails, the documented error comes out, nothing half is left, and the next one
// works.
TEST_F(FilesTest, WhicheverCallOfAWriteFailsThePathIsAsItWasAndTheTemporaryGone) {
  const FaultCase cases[] = {{sys::Call::kOpen, EMFILE},  {sys::Call::kOpen, EACCES},
                             {sys::Call::kFstat, EIO},    {sys::Call::kWrite, ENOSPC},
                             {sys::Call::kWrite, EIO},    {sys::Call::kFsync, EIO},
                             {sys::Call::kFsync, ENOSPC}, {sys::Call::kClose, EIO},
                             {sys::Call::kRename, EXDEV}, {sys::Call::kRename, ENOSPC}};
  const std::string content(3 << 20, 'n');
  for (const FaultCase& fault : cases) {
    for (int n = 1;; ++n) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(fault.call) << " " << n);
      ASSERT_LT(n, 100);
      TemporaryFolder::Fill(folder_ / "f", "old");
      const FailNth fail(fault.call, n, fault.error);
      const absl::Status status =
          Write(folder_ / "f", content, {.temporary = folder_ / "t", .durable = true});
      if (!fail.hit()) {
        EXPECT_TRUE(status.ok()) << status;
        break;
      }
      if (fault.call == sys::Call::kClose && n > 1) continue;  // of the directory: nobody minds
      EXPECT_FALSE(status.ok());
      EXPECT_THAT(Text(status), HasSubstr(std::generic_category().message(fault.error)));
      EXPECT_EQ(folder_.entries(), 1U);
      const bool renamed = TemporaryFolder::Content(folder_ / "f") != "old";
      EXPECT_EQ(renamed, n > 1);  // the first call of each kind comes before the rename
    }
  }
}

TEST_F(FilesTest, WhicheverCallOfAReadFailsTheErrorComesOut) {
  TemporaryFolder::Fill(folder_ / "f", std::string(100000, 'x'));
  for (const FaultCase& fault :
       {FaultCase{sys::Call::kOpen, ENFILE}, FaultCase{sys::Call::kFstat, EIO},
        FaultCase{sys::Call::kRead, EIO}}) {
    for (int n = 1;; ++n) {
      ASSERT_LT(n, 100);
      const FailNth fail(fault.call, n, fault.error);
      const FileReadFinished done = Read(folder_ / "f");
      EXPECT_EQ(done.status.ok(), !fail.hit());
      EXPECT_EQ(done.content.empty(), fail.hit());
      if (!fail.hit()) break;
    }
  }
}

TEST_F(FilesTest, OpeningIsTriedAgainWhenInterrupted) {
  const FailNth interrupt(sys::Call::kOpen, 1, EINTR);
  EXPECT_TRUE(Write(folder_ / "f", "x").ok());
}

TEST_F(FilesTest, AnOperationIsCausedByTheDeliveryInWhichItWasAskedFor) {
  struct Asked {};
  Recorder<Cause> asked;
  Recorder<Cause> finished;
  Recorder<std::string> tenant;
  const Subscription ask = dispatcher_->Subscribe([&](const Asked&, Context& context) {
    asked.Add(context.envelope().AsCause());
    files_->Read("/proc/self/status");
  });
  const Subscription finish =
      dispatcher_->Subscribe([&](const FileReadFinished&, Context& context) {
        finished.Add({context.envelope().correlation_id(), context.envelope().causation_id()});
        tenant.Add(std::string(context.envelope().baggage("tenant")));
      });
  dispatcher_->Publish(Asked{}, {.baggage = {{"tenant", "7"}}});
  EXPECT_EQ(finished.Await().causation, asked.Await().causation);
  EXPECT_EQ(finished.Await().correlation, asked.Await().correlation);
  EXPECT_EQ(tenant.Await(), "7");
}

TEST_F(FilesTest, TooManyOperationsAreRefusedAndLaterOnesWork) {
  Make({.threads = 1, .operations_max = 2});
  Gate gate;
  const Subscription hold =
      dispatcher_->Subscribe([&](const FileReadFinished&) { gate.Wait(); }, {.run = Run::kInline});
  EXPECT_TRUE(files_->Read("/proc/self/status"));
  EXPECT_TRUE(files_->Read("/proc/self/status"));
  EXPECT_FALSE(files_->Read("/proc/self/status"));
  EXPECT_FALSE(files_->Write(folder_ / "f", "x"));
  gate.Open();
  EXPECT_TRUE(Eventually([&] { return bool(files_->Write(folder_ / "f", "x")); }));
}

TEST_F(FilesTest, AfterShutdownOperationsAreRefused) {
  EXPECT_TRUE(dispatcher_->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_FALSE(files_->Read("/proc/self/status"));
}

TEST_F(FilesTest, TheDestructorFinishesWhatWasAskedFor) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(files_->Write(folder_ / std::to_string(i), "x"));
  }
  files_.reset();
  EXPECT_EQ(writes_.size(), 100U);
  EXPECT_EQ(folder_.entries(), 100U);
}

TEST_F(FilesTest, AnEventThatAFullQueueRefusesIsPublishedAgainUntilItIsAccepted) {
  ManualExecutor executor;
  std::vector<FileOperation> seen;
  Subscription slow = dispatcher_->Subscribe(
      [&](const FileReadFinished& done) {
        EXPECT_TRUE(done.status.ok()) << done.status;
        seen.push_back(done.operation);
      },
      {.executor = &executor, .queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(files_->Read("/proc/self/status"));
  EXPECT_TRUE(Eventually([&] {
    executor.RunUntilIdle();
    return seen.size() == 10;
  }));
  EXPECT_EQ(std::set<FileOperation>(seen.begin(), seen.end()).size(), 10U);
  slow.Reset();
}

TEST_F(FilesTest, AContentThatNoQueueEverTakesIsGivenUpAndTheEventSaysSo) {
  Make({.patience = std::chrono::milliseconds(5)});
  TemporaryFolder::Fill(folder_ / "f", std::string(10000, 'x'));
  Recorder<FileReadFinished> queued;
  Subscription small = dispatcher_->Subscribe(
      [&](const FileReadFinished& done) { queued.Add(done); }, {.queue = {.bytes_max = 5000}});
  const FileReadFinished done = Read(folder_ / "f");
  EXPECT_EQ(done.status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(queued.Await().operation, done.operation);
}

TEST_F(FilesTest, ManyThreadsMayAskAtOnce) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 100;
  std::vector<std::thread> threads;
  Recorder<FileOperation> operations;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < kEach; ++i) {
        const auto request =
            files_->Write(folder_ / (std::to_string(t) + "." + std::to_string(i)), "x");
        ASSERT_TRUE(request);
        operations.Add(request.operation());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  writes_.Await(kThreads * kEach);
  const std::vector<FileOperation> all = operations.all();
  EXPECT_EQ(std::set<FileOperation>(all.begin(), all.end()).size(), kThreads * kEach);
}

TEST_F(FilesTest, ManyTasksMayAwaitThemWhileOthersAreGivenUp) {
  Make({.threads = 4});
  Dispatcher others({.pool = {.threads = 4}});
  std::atomic<int> ended = 0;
  const auto copy = [&](std::string name) -> Task<> {
    const FileWriteFinished written = co_await files_->Write(name, name);
    EXPECT_EQ(written.status, absl::OkStatus());
    const FileReadFinished read = co_await files_->Read(name);
    EXPECT_EQ(read.content, name);
    ++ended;
  };
  Tasks tasks(others);
  for (int i = 0; i < 300; ++i) {
    Tasks given_up(others);
    tasks.Start(copy(folder_ / std::to_string(i)));
    given_up.Start(copy(folder_ / ("given_up" + std::to_string(i))));
  }
  others.Drain();
  EXPECT_GE(ended, 300);
}

}  // namespace
}  // namespace belfry
