// What BlockingFiles does on a disk, FakeFiles does in a world: the same tests for both.

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "belfry/files.h"
#include "belfry/flow/tasks.h"
#include "belfry/shutdown.h"
#include "belfry/testing/fake_files.h"
#include "belfry/testing/recorder.h"
#include "belfry/testing/world.h"
#include "io/recorder.h"

namespace belfry::testing {
namespace {

// Where the files are.
class Place {
 public:
  virtual ~Place() = default;
  virtual Dispatcher& dispatcher() = 0;
  virtual Record record() const = 0;
  virtual Files& files() = 0;
  virtual void EndFiles() = 0;
  // Until so many operations have ended and their events were handled.
  virtual void Settle(std::size_t reads, std::size_t writes) = 0;
  virtual std::string Path(const std::string& name) const = 0;
  virtual void Put(const std::string& name, const std::string& content) = 0;
  virtual std::string Content(const std::string& name) const = 0;
  virtual std::size_t entries() const = 0;
};

class OnDisk final : public Place {
 public:
  explicit OnDisk(BlockingFilesOptions options)
      : files_(std::make_unique<BlockingFiles>(dispatcher_, options)) {}
  Dispatcher& dispatcher() override { return dispatcher_; }
  Record record() const override { return recorder_.record(); }
  Files& files() override { return *files_; }
  void EndFiles() override { files_.reset(); }
  void Settle(std::size_t reads, std::size_t writes) override {
    EXPECT_TRUE(recorder_.AwaitPublished<FileReadFinished>(reads));
    EXPECT_TRUE(recorder_.AwaitPublished<FileWriteFinished>(writes));
    dispatcher_.Drain();
  }
  std::string Path(const std::string& name) const override { return folder_ / name; }
  void Put(const std::string& name, const std::string& content) override {
    TemporaryFolder::Fill(folder_ / name, content);
  }
  std::string Content(const std::string& name) const override {
    return TemporaryFolder::Content(folder_ / name);
  }
  std::size_t entries() const override { return folder_.entries(); }

 private:
  TemporaryFolder folder_;
  Recorder recorder_;
  Dispatcher dispatcher_{{.pool = {.threads = 1}, .observer = &recorder_}};
  std::unique_ptr<BlockingFiles> files_;
};

class InWorld final : public Place {
 public:
  explicit InWorld(BlockingFilesOptions options)
      : files_(std::make_unique<FakeFiles>(world_, options)) {
    files_->Put("folder/of/another", "so that folder is one");
  }
  Dispatcher& dispatcher() override { return world_.dispatcher(); }
  Record record() const override { return world_.record(); }
  Files& files() override { return *files_; }
  void EndFiles() override { files_.reset(); }
  void Settle(std::size_t /*reads*/, std::size_t /*writes*/) override {
    world_.RunFor(std::chrono::minutes(1));
  }
  std::string Path(const std::string& name) const override { return "folder/" + name; }
  void Put(const std::string& name, const std::string& content) override {
    files_->Put(Path(name), content);
  }
  std::string Content(const std::string& name) const override {
    const auto found = files_->content().find(Path(name));
    return found == files_->content().end() ? "" : found->second;
  }
  std::size_t entries() const override { return files_->content().size() - 1; }

 private:
  World world_{{.tolerated = {.losses = true}}};
  std::unique_ptr<FakeFiles> files_;
};

using MakePlace = std::unique_ptr<Place> (*)(BlockingFilesOptions options);
template <class P>
std::unique_ptr<Place> Make(BlockingFilesOptions options) {
  return std::make_unique<P>(options);
}

Task<absl::Status> Copy(Files& files, std::string from, std::string to) {
  const FileReadFinished read = co_await files.Read(std::move(from));
  if (!read.status.ok()) co_return read.status;
  co_return (co_await files.Write(std::move(to), read.content)).status;
}

class FilesContractTest : public ::testing::TestWithParam<std::pair<const char*, MakePlace>> {
 protected:
  void Remake(BlockingFilesOptions options) { place_ = GetParam().second(options); }

  FileReadFinished Read(const std::string& path) {
    const auto request = place_->files().Read(path);
    ++reads_;
    return End(request);
  }
  FileWriteFinished Write(const std::string& path, const std::string& content,
                          const FileWriteOptions& options = {}) {
    const auto request = place_->files().Write(path, content, options);
    ++writes_;
    return End(request);
  }

  std::string Path(const std::string& name) const { return place_->Path(name); }

  std::unique_ptr<Place> place_ = GetParam().second({});

 private:
  template <class E>
  E End(const FileRequest<E>& request) {
    place_->Settle(reads_, writes_);
    std::vector<E> ends;
    for (const RecordedEvent& event : place_->record().events) {
      const E* const end = event.result.ok() ? event.As<E>() : nullptr;
      if (end != nullptr && end->operation == request.operation()) ends.push_back(*end);
    }
    EXPECT_EQ(ends.size(), 1U) << "each operation ends in exactly one event";
    return ends.empty() ? E{} : ends.front();
  }

  std::size_t reads_ = 0;
  std::size_t writes_ = 0;
};

TEST_P(FilesContractTest, WhatWasWrittenIsReadBack) {
  const std::string content = std::string("a\0b", 3) + std::string(100'000, 'x');
  const FileWriteFinished written = Write(Path("f"), content);
  EXPECT_EQ(written.status, absl::OkStatus());
  EXPECT_EQ(written.path, Path("f"));
  EXPECT_EQ(written.operation, 1U);
  const FileReadFinished read = Read(Path("f"));
  EXPECT_EQ(read.status, absl::OkStatus());
  EXPECT_EQ(read.path, Path("f"));
  EXPECT_EQ(read.operation, 2U);
  EXPECT_TRUE(read.content == content);
}

TEST_P(FilesContractTest, AnEmptyFileIsOneToo) {
  EXPECT_EQ(Write(Path("f"), "").status, absl::OkStatus());
  EXPECT_EQ(Read(Path("f")).status, absl::OkStatus());
}

TEST_P(FilesContractTest, WhatCannotBeReadSaysWhy) {
  place_->Put("f", "x");
  EXPECT_EQ(Read(Path("no")).status,
            absl::NotFoundError("open \"" + Path("no") + "\": No such file or directory"));
  EXPECT_EQ(Read("").status, absl::InvalidArgumentError("an empty path"));
  EXPECT_EQ(Read(std::string("a\0b", 3)).status,
            absl::InvalidArgumentError("a path with a NUL byte: \"a...\""));
  EXPECT_EQ(Read(Path("")).status,
            absl::FailedPreconditionError("read or write \"" + Path("") + "\": Is a directory"));
}

TEST_P(FilesContractTest, WhatCannotBeWrittenSaysWhyAndTheTemporaryIsGone) {
  EXPECT_EQ(Write("", "x").status, absl::InvalidArgumentError("an empty path"));
  EXPECT_EQ(Write(Path("f"), "x", {.temporary = std::string("t\0", 2)}).status,
            absl::InvalidArgumentError("a path with a NUL byte: \"t...\""));
  const std::string folder = Path("").substr(0, Path("").size() - 1);
  EXPECT_EQ(Write(folder, "x").status,
            absl::FailedPreconditionError("open \"" + folder + "\": Is a directory"));
  EXPECT_EQ(Write(Path("new/"), "x").status,
            absl::FailedPreconditionError("open \"" + Path("new/") + "\": Is a directory"));
  EXPECT_EQ(Write(folder, "x", {.temporary = Path("t")}).status,
            absl::FailedPreconditionError("rename \"" + Path("t") + "\" to \"" + folder +
                                          "\": Directory not empty"));
  EXPECT_EQ(place_->entries(), 0U);
}

TEST_P(FilesContractTest, AFileLargerThanTheLimitIsOutOfRange) {
  Remake({.read_bytes_max = 1000});
  place_->Put("fits", std::string(1000, 'x'));
  place_->Put("large", std::string(1001, 'x'));
  EXPECT_EQ(Read(Path("fits")).status, absl::OkStatus());
  const FileReadFinished large = Read(Path("large"));
  EXPECT_EQ(large.status, absl::OutOfRangeError("\"" + Path("large") +
                                                "\" is larger than read_bytes_max = 1000"));
  EXPECT_EQ(large.content, "");
}

TEST_P(FilesContractTest, ATemporaryIsRenamed) {
  place_->Put("f", "old");
  place_->Put("t", "left over by a crash, and longer");
  EXPECT_EQ(Write(Path("f"), "new", {.temporary = Path("t"), .durable = true}).status,
            absl::OkStatus());
  EXPECT_EQ(place_->Content("f"), "new");
  EXPECT_EQ(place_->entries(), 1U);
}

TEST_P(FilesContractTest, AnOperationHasTheCauseAndTheBaggageOfWhereItWasAskedFor) {
  struct Asked {};
  place_->Put("f", "x");
  const Subscription ask =
      place_->dispatcher().Subscribe([&](const Asked&) { place_->files().Read(Path("f")); });
  std::string tenant;
  const Subscription end =
      place_->dispatcher().Subscribe([&](const FileReadFinished&, Context& context) {
        tenant = context.envelope().baggage("tenant");
      });
  ASSERT_TRUE(place_->dispatcher().Publish(Asked{}, {.baggage = {{"tenant", "7"}}}));
  place_->Settle(1, 0);
  const Record record = place_->record();
  ASSERT_EQ(record.events.size(), 2U);
  EXPECT_EQ(record.events[1].cause, record.events[0].id);
  EXPECT_EQ(record.events[1].correlation, record.events[0].id);
  EXPECT_EQ(tenant, "7");
}

TEST_P(FilesContractTest, AContentThatNoQueueEverTakesIsGivenUp) {
  place_->Put("f", std::string(10'000, 'x'));
  const Subscription small = place_->dispatcher().Subscribe([](const FileReadFinished&) {},
                                                            {.queue = {.bytes_max = 5000}});
  const FileReadFinished read = Read(Path("f"));
  EXPECT_EQ(read.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(read.status.message()),
              ::testing::StartsWith("no room for the 10000 bytes of \"" + Path("f") + "\": "));
  EXPECT_EQ(read.content, "");
}

TEST_P(FilesContractTest, MoreThanTheLimitAreRefused) {
  Remake({.operations_max = 0});
  EXPECT_FALSE(place_->files().Read(Path("f")));
  EXPECT_FALSE(place_->files().Write(Path("f"), "x"));
}

TEST_P(FilesContractTest, WhatIsRefusedHasEndedAndNamesTheLimit) {
  Remake({.operations_max = 0});
  const auto read = place_->files().Read(Path("f"));
  ASSERT_TRUE(read.finished());
  EXPECT_EQ(read.operation(), 0U);
  EXPECT_EQ(read.value().path, Path("f"));
  EXPECT_EQ(read.value().status,
            absl::ResourceExhaustedError("operations_max = 0 operations wait or run"));
  const auto write = place_->files().Write(Path("f"), "x");
  ASSERT_TRUE(write.finished());
  EXPECT_EQ(write.value().status, read.value().status);
}

TEST_P(FilesContractTest, ATaskAwaitsThemInsteadOfTheirEvents) {
  place_->Put("from", "text");
  Tasks tasks(place_->dispatcher());
  const auto copied = tasks.Start(Copy(place_->files(), Path("from"), Path("to")));
  place_->Settle(1, 1);
  ASSERT_TRUE(copied.finished());
  EXPECT_EQ(copied.value(), absl::OkStatus());
  EXPECT_EQ(place_->Content("to"), "text");
}

TEST_P(FilesContractTest, TheEndThatIsAwaitedIsTheEvent) {
  place_->Put("f", "text");
  const auto request = place_->files().Read(Path("f"));
  place_->Settle(1, 0);
  const FileReadFinished* event = nullptr;
  const Record record = place_->record();
  for (const RecordedEvent& e : record.events) event = e.As<FileReadFinished>();
  ASSERT_NE(event, nullptr);
  const FileReadFinished& end = request.Wait();
  EXPECT_EQ(end.operation, event->operation);
  EXPECT_EQ(end.path, event->path);
  EXPECT_EQ(end.status, event->status);
  EXPECT_EQ(end.content, event->content);
}

TEST_P(FilesContractTest, WhoAwaitsAnEndDoesNotWaitForRoomInAQueue) {
  place_->Put("f", "text");
  // It fills its own queue: the events of its second and its third read find no room.
  std::string content;
  const Subscription greedy = place_->dispatcher().Subscribe(
      [&](const FileReadFinished& first) -> Task<> {
        if (first.operation != 1) co_return;
        place_->files().Read(Path("f"));
        place_->files().Read(Path("f"));
        content = (co_await place_->files().Read(Path("f"))).content;
      },
      {.queue = {.events_max = 1}, .overflow = Overflow::Reject()});
  place_->files().Read(Path("f"));
  place_->Settle(4, 0);
  EXPECT_EQ(content, "text");
}

TEST_P(FilesContractTest, AtTheShutdownWhoAwaitsAnEndGoesOn) {
  place_->Put("from", "text");
  const auto from = place_->files().Read(Path("from"));
  const Completion<bool> closed;
  std::string content;
  const auto copy = [&]() -> Task<absl::Status> {
    content = (co_await from).content;
    co_await closed;
    co_return (co_await place_->files().Write(Path("to"), content)).status;
  };
  Tasks tasks(place_->dispatcher());
  const auto copied = tasks.Start(copy());
  place_->dispatcher().Shutdown(ShutdownMode::kDrain, std::chrono::seconds(0));
  closed.Finish(true);
  place_->Settle(0, 0);
  const auto ended = place_->dispatcher().Shutdown(ShutdownMode::kDrain, std::chrono::seconds(60));
  EXPECT_TRUE(ended.complete) << ToString(ended);
  ASSERT_TRUE(copied.finished());
  EXPECT_EQ(content, "text") << "what was accepted goes on, without an event";
  EXPECT_EQ(copied.value(),
            absl::FailedPreconditionError("the dispatcher is closed, or the files have ended"));
}

TEST_P(FilesContractTest, TheDestructorEndsWhatIsAwaited) {
  place_->Put("f", "text");
  const auto request = place_->files().Read(Path("f"));
  place_->EndFiles();
  ASSERT_TRUE(request.finished());
  EXPECT_EQ(request.value().content, "text");
}

TEST_P(FilesContractTest, AtTheShutdownOfTheDispatcherNoMoreAreAccepted) {
  place_->dispatcher().Shutdown(ShutdownMode::kDrain, std::chrono::seconds(60));
  EXPECT_FALSE(place_->files().Read(Path("f")));
  EXPECT_FALSE(place_->files().Write(Path("f"), "x"));
}

TEST_P(FilesContractTest, TheDestructorFinishesWhatWasAskedFor) {
  for (const char* const name : {"a", "b", "c"}) {
    ASSERT_TRUE(place_->files().Write(Path(name), "x"));
  }
  place_->EndFiles();
  std::size_t ends = 0;
  for (const RecordedEvent& event : place_->record().events) {
    if (event.As<FileWriteFinished>() != nullptr) ++ends;
  }
  EXPECT_EQ(ends, 3U);
}

INSTANTIATE_TEST_SUITE_P(, FilesContractTest,
                         ::testing::Values(std::pair("BlockingFiles", &Make<OnDisk>),
                                           std::pair("FakeFiles", &Make<InWorld>)),
                         [](const auto& test) { return test.param.first; });

}  // namespace
}  // namespace belfry::testing
