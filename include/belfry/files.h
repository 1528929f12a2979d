// Whole files as events. Nobody blocks but the threads made for it.
//
//   belfry::BlockingFiles files(dispatcher);
//   auto done = dispatcher.Subscribe([](const belfry::FileReadFinished& read) {
//     if (read.status.ok()) Render(read.content);
//   });
//   files.Read("welcome.txt");
//
// Or in a task (flow/task.h):
//
//   const belfry::FileReadFinished read = co_await files.Read("welcome.txt");
//   if (read.status.ok()) Render(read.content);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"

#include "belfry/clock.h"
#include "belfry/completion.h"
#include "belfry/dispatcher.h"
#include "belfry/event_type.h"
#include "belfry/export.h"

namespace belfry {

// Names one operation; unique in its Files. Starts at 1.
using FileOperation = std::uint64_t;

struct FileReadFinished {
  FileOperation operation = 0;
  std::string path{};
  absl::Status status{};  // names the path and the system's error
  std::string content{};  // all of it; empty unless ok
};
BELFRY_EVENT_NAME(FileReadFinished, "belfry.file_read_finished", 1);
inline std::size_t BelfryEventBytes(const FileReadFinished& e) {
  return sizeof(e) + e.path.size() + e.content.size();
}

struct FileWriteFinished {
  FileOperation operation = 0;
  std::string path{};
  absl::Status status{};
};
BELFRY_EVENT_NAME(FileWriteFinished, "belfry.file_write_finished", 1);

struct FileWriteOptions {
  // Set: the content is written there first and renamed to the path when it is complete, so that
  // nobody ever sees half a file. On the same file system as the path; not used by two operations
  // at once. After an error it is gone and the path is as it was. Without it, an error may leave
  // half a file.
  std::string temporary{};
  // Survives a power cut once the event says so: the file and its directory are synchronised. A
  // status that names the fsync of the directory means: it is there now, but may be lost in a power
  // cut.
  bool durable = false;
  unsigned mode = 0644;  // less the umask
};

// One operation that was asked for: true if it was accepted, and its end, for who would rather
// await it than listen to its event. Nobody needs to: it may be dropped.
//
// The end says what the event says, and comes when that was published. It needs no room in a queue:
// where a full one refuses the event, the end is there before it; after the dispatcher's shutdown,
// when there are no events any more, without it.
// Refused: it has ended, with the number 0, and RESOURCE_EXHAUSTED, which names the limit, or
// FAILED_PRECONDITION after the dispatcher's shutdown.
//
// Thread safety: a value, and a Completion.
template <class Finished>
class FileRequest : public Completion<Finished> {
 public:
  FileRequest(FileOperation operation, Completion<Finished> end)
      : Completion<Finished>(std::move(end)), operation_(operation) {}
  static FileRequest Refused(std::string path, absl::Status why) {
    FileRequest request(0, {});
    request.Finish(Finished{.path = std::move(path), .status = std::move(why)});
    return request;
  }

  explicit operator bool() const { return operation_ != 0; }
  FileOperation operation() const { return operation_; }

 private:
  FileOperation operation_;
};

// Files as listeners see them; tests bring their own. Each operation ends in exactly one event,
// whose cause is the delivery in which it was asked for.
//
// Thread safety: any thread. Order: none between operations.
class BELFRY_EXPORT Files {
 public:
  virtual ~Files() = default;

  // → FileReadFinished. Only regular files: others might block for ever.
  // Refused when too many operations wait, or after shutdown.
  virtual FileRequest<FileReadFinished> Read(std::string path) = 0;

  // Creates or replaces the file. → FileWriteFinished. Refused like Read.
  // In a co_await expression give options a name first: g++ 12 breaks temporaries in braces there.
  virtual FileRequest<FileWriteFinished> Write(std::string path, std::string content,
                                               FileWriteOptions options = FileWriteOptions()) = 0;
};

struct BlockingFilesOptions {
  unsigned threads = 2;
  std::size_t operations_max = 1024;  // waiting or running
  // A larger file is an OUT_OF_RANGE. Stay below the QueueLimit::bytes_max of those who listen.
  std::size_t read_bytes_max = std::size_t{8} << 20;
  // An event that a full queue refuses is published again until it is accepted. A content that was
  // refused for so long is given up: its event says RESOURCE_EXHAUSTED instead.
  Nanoseconds patience = std::chrono::seconds(10);
};

// Files through a few threads that block.
//
// Lifetime: the destructor finishes what was asked for, publishes its events, and joins; so their
// listeners must be able to run, or the dispatcher be shut down. At the dispatcher's shutdown it
// accepts no more; what finishes after that has no event, but whoever awaits it goes on.
// Errors: the constructor throws std::system_error when the system refuses a thread.
class BELFRY_EXPORT BlockingFiles final : public Files {
 public:
  explicit BlockingFiles(Dispatcher& dispatcher, BlockingFilesOptions options = {});
  ~BlockingFiles() override;

  FileRequest<FileReadFinished> Read(std::string path) override;
  FileRequest<FileWriteFinished> Write(std::string path, std::string content,
                                       FileWriteOptions options = FileWriteOptions()) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace belfry
