#include <chrono>
#include <deque>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "belfry/ambient_context.h"
#include "belfry/check.h"
#include "belfry/files.h"
#include "dispatch/backoff.h"
#include "io/file_refusal.h"
#include "io/file_work.h"
#include "sync/sync.h"
#include "sys/threads.h"

namespace belfry {

class BlockingFiles::Impl {
 public:
  Impl(Dispatcher& dispatcher, BlockingFilesOptions options)
      : dispatcher_(dispatcher), options_(options) {
    BELFRY_CHECK(options.threads > 0, "BlockingFiles needs at least one thread");
    threads_.reserve(options_.threads);
    try {
      for (unsigned i = 0; i < options_.threads; ++i) {
        threads_.push_back(sys::StartThread("belfry.files", [this] { Work(); }));
      }
      source_ = dispatcher_.AddSource("files", [this] { Refuse(); });
    } catch (...) {
      Join();
      throw;
    }
  }

  ~Impl() {
    source_ = Source();
    Join();
  }

  FileRequest<FileReadFinished> Read(std::string path) {
    return Add<FileReadFinished>(std::move(path), [this](FileReadFinished& done) {
      absl::StatusOr<std::string> content = ReadWholeFile(done.path, options_.read_bytes_max);
      if (!content.ok()) return content.status();
      done.content = *std::move(content);
      return absl::OkStatus();
    });
  }

  FileRequest<FileWriteFinished> Write(std::string path, std::string content,
                                       FileWriteOptions options) {
    return Add<FileWriteFinished>(
        std::move(path),
        [content = std::move(content), options = std::move(options)](
            const FileWriteFinished& done) { return WriteWholeFile(done.path, content, options); });
  }

 private:
  using Task = std::function<void(FileOperation)>;
  struct Waiting {
    FileOperation operation;
    Task task;
  };

  // `work` blocks, and says how it ended.
  template <class Finished, class Work>
  FileRequest<Finished> Add(std::string path, Work work) {
    const Completion<Finished> end;
    Task task = [this, end, path, work = std::move(work),
                 context = AmbientContext::Current()](FileOperation operation) {
      Finished done{.operation = operation, .path = path};
      done.status = Guarded([&] { return work(done); });
      Publish(std::move(done), end, context);
    };
    absl::Status refused;
    {
      const sync::Lock lock(mutex_);
      if (refusing_) {
        refused = NoMoreOperations();
      } else if (unfinished_ >= options_.operations_max) {
        refused = TooManyOperations(options_.operations_max);
      } else {
        queue_.push_back({last_operation_ + 1, std::move(task)});
        ++unfinished_;
        ready_.NotifyOne();
        return {++last_operation_, end};
      }
    }
    return FileRequest<Finished>::Refused(std::move(path), std::move(refused));
  }

  void Refuse() {
    const sync::Lock lock(mutex_);
    refusing_ = true;
  }

  void Join() {
    {
      const sync::Lock lock(mutex_);
      refusing_ = true;
      ending_ = true;
      ready_.NotifyAll();
    }
    for (sync::Thread& thread : threads_) thread.join();
  }

  void Work() {
    while (std::optional<Waiting> next = Next()) {
      next->task(next->operation);
      next->task = nullptr;  // its content goes before its place is given to another
      const sync::Lock lock(mutex_);
      --unfinished_;
    }
  }

  std::optional<Waiting> Next() {
    const sync::Lock lock(mutex_);
    while (queue_.empty()) {
      if (ending_) return std::nullopt;
      ready_.Wait(mutex_);
    }
    std::optional<Waiting> next = std::move(queue_.front());
    queue_.pop_front();
    return next;
  }

  template <class F>
  static absl::Status Guarded(F work) {
    try {
      return work();
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError("no memory for the file's content");
    }
  }

  // Until it is accepted: nobody else would ever tell how the operation ended. Who awaits the end
  // does not wait for that: he may be the one who keeps a queue full.
  template <class E>
  void Publish(E event, const Completion<E>& end, const AmbientContext& context) {
    std::optional<E> awaited;
    if (end.wanted()) awaited = Copy(event);
    const SteadyTime give_up = Clock::Real().Now() + options_.patience;
    Backoff backoff;
    for (;;) {
      const PublishResult result = TryPublish(event, context);
      if (std::optional<E> told = std::exchange(awaited, std::nullopt)) {
        end.FinishIn(context, *std::move(told));
      }
      if (result.ok() || !MayBeAcceptedLater(result)) return;
      const bool hopeless = result.code() == PublishResult::Code::kTooLarge;
      if (hopeless || Clock::Real().Now() >= give_up) GiveUpContent(event, result);
      Pause(backoff.Next());
    }
  }

  static FileReadFinished Copy(const FileReadFinished& event) {
    FileReadFinished copy{event.operation, event.path, event.status, {}};
    copy.status = Guarded([&] {
      copy.content = event.content;
      return event.status;
    });
    return copy;
  }
  static FileWriteFinished Copy(const FileWriteFinished& event) { return event; }

  // Refused, `event` is as it was.
  template <class E>
  PublishResult TryPublish(E& event, const AmbientContext& context) {
    const AmbientScope scope(context);
    return dispatcher_.Publish(std::move(event));
  }

  static void GiveUpContent(FileReadFinished& event, PublishResult why) {
    if (!event.status.ok()) return;
    event.status = absl::ResourceExhaustedError(
        absl::StrCat("no room for the ", event.content.size(), " bytes of \"", event.path,
                     "\": ", std::string(why.status().message())));
    event.content = std::string();
  }
  static void GiveUpContent(const FileWriteFinished& /*event*/, PublishResult /*why*/) {}

  // A wait that nobody ends early.
  void Pause(Nanoseconds length) {
    const SteadyTime deadline = Clock::Real().Now() + length;
    const sync::Lock lock(pause_mutex_);
    while (never_.WaitUntil(pause_mutex_, deadline)) {
    }
  }

  Dispatcher& dispatcher_;
  const BlockingFilesOptions options_;
  std::vector<sync::Thread> threads_;
  Source source_;

  sync::Mutex mutex_;
  sync::Condition ready_;
  std::deque<Waiting> queue_ ABSL_GUARDED_BY(mutex_);
  std::size_t unfinished_ ABSL_GUARDED_BY(mutex_) = 0;  // waiting or running
  FileOperation last_operation_ ABSL_GUARDED_BY(mutex_) = 0;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  sync::Mutex pause_mutex_;
  sync::Condition never_;
};

BlockingFiles::BlockingFiles(Dispatcher& dispatcher, BlockingFilesOptions options)
    : impl_(std::make_unique<Impl>(dispatcher, options)) {}
BlockingFiles::~BlockingFiles() = default;

FileRequest<FileReadFinished> BlockingFiles::Read(std::string path) {
  return impl_->Read(std::move(path));
}

FileRequest<FileWriteFinished> BlockingFiles::Write(std::string path, std::string content,
                                                    FileWriteOptions options) {
  return impl_->Write(std::move(path), std::move(content), std::move(options));
}

}  // namespace belfry
