#include "belfry/testing/fake_files.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "belfry/ambient_context.h"
#include "belfry/dispatcher.h"
#include "belfry/testing/world.h"
#include "dispatch/backoff.h"
#include "io/file_refusal.h"

namespace belfry::testing {
namespace {

// --- In the words of BlockingFiles; the contract's tests compare them ---

absl::Status SystemError(int error, std::string_view what, const std::string& path) {
  return absl::Status(absl::ErrnoToStatusCode(error), std::string(what) + " \"" + path + "\": " +
                                                          std::generic_category().message(error));
}

absl::Status CheckPath(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("an empty path");
  const std::size_t nul = path.find('\0');
  if (nul == std::string::npos) return absl::OkStatus();
  return absl::InvalidArgumentError("a path with a NUL byte: \"" + path.substr(0, nul) + "...\"");
}

absl::Status TooLarge(const std::string& path, std::size_t bytes_max) {
  return absl::OutOfRangeError("\"" + path +
                               "\" is larger than read_bytes_max = " + std::to_string(bytes_max));
}

void GiveUpContent(FileReadFinished& event, PublishResult why) {
  if (!event.status.ok()) return;
  event.status = absl::ResourceExhaustedError(
      "no room for the " + std::to_string(event.content.size()) + " bytes of \"" + event.path +
      "\": " + std::string(why.status().message()));
  event.content = std::string();
}

// How an operation ends.
template <class Finished>
struct Outcome {
  Completion<Finished> end;
  std::optional<Finished> event{};  // once it has taken effect
};

}  // namespace

class FakeFiles::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(World& world, BlockingFilesOptions options) : world_(world), options_(options) {}

  void Start() {
    source_ = world_.dispatcher().AddSource("files", [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->closed_ = true;
    });
  }

  // What is refused now comes no more.
  void End() {
    source_ = Source();
    closed_ = true;
    ended_ = true;
    for (auto& [operation, work] : under_way_) {
      world_.Cancel(work.step);
      if (!work.publishing) Publish(work);
    }
  }

  template <class Finished>
  FileRequest<Finished> Add(AskedWrite asked) {
    constexpr bool kRead = std::is_same_v<Finished, FileReadFinished>;
    if (closed_) return FileRequest<Finished>::Refused(std::move(asked.path), NoMoreOperations());
    if (refuses || under_way_.size() >= options_.operations_max) {
      return FileRequest<Finished>::Refused(std::move(asked.path),
                                            TooManyOperations(options_.operations_max));
    }
    const FileOperation operation = asked.operation = ++last_operation_;
    if (!kRead) writes.push_back(asked);
    const std::string what = (kRead ? "the read of " : "the write of ") + asked.path;
    const auto of_path = path_latency.find(asked.path);
    const auto own = of_path != path_latency.end() ? of_path->second : latency;
    const auto finish = [this, operation] { Finish(operation); };
    const OperationId step =
        own ? world_.FinishLater(what, *own, finish) : world_.FinishLater(what, finish);
    const Completion<Finished> end;
    under_way_.emplace(operation, UnderWay{std::move(asked), what, AmbientContext::Current(), step,
                                           Outcome<Finished>{end}});
    return {operation, end};
  }

 private:
  struct UnderWay {
    AskedWrite asked;  // of a read: its path
    std::string what;
    AmbientContext context;
    OperationId step;  // with which it ends
    std::variant<Outcome<FileReadFinished>, Outcome<FileWriteFinished>> outcome;
    SteadyTime give_up{};
    Backoff backoff{};
    bool publishing = false;  // its listeners may end everything
  };

  // Until it is accepted. Meanwhile it is under way.
  void Finish(FileOperation operation) {
    const auto self = shared_from_this();
    UnderWay& work = under_way_.at(operation);
    const PublishResult result = Publish(work);
    if (result.ok() || !MayBeAcceptedLater(result)) {
      under_way_.erase(operation);
      return;
    }
    const bool hopeless = result.code() == PublishResult::Code::kTooLarge;
    if (hopeless || world_.clock().Now() >= work.give_up) {
      if (auto* const read = std::get_if<Outcome<FileReadFinished>>(&work.outcome)) {
        GiveUpContent(*read->event, result);
      }
    }
    if (ended_) return;
    work.step = world_.FinishLater(work.what, work.backoff.Next(),
                                   [this, operation] { Finish(operation); });
  }

  PublishResult Publish(UnderWay& work) {
    work.publishing = true;
    const PublishResult result =
        std::visit([&](auto& outcome) { return Publish(work, outcome); }, work.outcome);
    work.publishing = false;
    return result;
  }

  // The first time it takes effect, and whoever awaits the end is told.
  template <class Finished>
  PublishResult Publish(UnderWay& work, Outcome<Finished>& outcome) {
    if (outcome.event.has_value()) return Publish(*outcome.event, work.context);
    work.give_up = TimeAfter(world_.clock().Now(), options_.patience);
    if constexpr (std::is_same_v<Finished, FileReadFinished>) {
      outcome.event = ReadNow(work.asked);
    } else {
      outcome.event = WriteNow(work.asked);
    }
    Finished awaited = *outcome.event;
    const PublishResult result = Publish(*outcome.event, work.context);
    outcome.end.FinishIn(work.context, std::move(awaited));
    return result;
  }

  // Refused, `event` is as it was.
  template <class Finished>
  PublishResult Publish(Finished& event, const AmbientContext& context) {
    if (world_.dispatcher().closed()) return {PublishResult::Code::kClosed, 0};
    const AmbientScope scope(context);
    return world_.dispatcher().Publish(std::move(event));
  }

  FileReadFinished ReadNow(const AskedWrite& asked) {
    const std::string& path = asked.path;
    FileReadFinished done{asked.operation, path, CheckPath(path), {}};
    if (done.status.ok()) done.status = Injected(asked);
    if (done.status.ok()) {
      const auto file = content.find(path);
      if (IsDirectory(path)) {
        done.status = SystemError(EISDIR, "read or write", path);
      } else if (file == content.end()) {
        done.status = SystemError(ENOENT, "open", path);
      } else if (file->second.size() > options_.read_bytes_max) {
        done.status = TooLarge(path, options_.read_bytes_max);
      } else {
        done.content = file->second;
      }
    }
    return done;
  }

  FileWriteFinished WriteNow(const AskedWrite& asked) {
    const std::string& path = asked.path;
    const std::string& temporary = asked.options.temporary;
    const std::string& target = temporary.empty() ? path : temporary;
    FileWriteFinished done{asked.operation, path, CheckPath(path)};
    if (done.status.ok()) done.status = CheckPath(target);
    if (done.status.ok() && (IsDirectory(target) || target.ends_with('/'))) {
      done.status = SystemError(EISDIR, "open", target);
    }
    if (done.status.ok()) {
      done.status = Injected(asked);
      if (!done.status.ok() && temporary.empty()) {
        content[path] = asked.content.substr(0, asked.content.size() / 2);
      }
      if (done.status.ok() && IsDirectory(path)) {
        const bool inside = target.starts_with(path + "/");
        done.status =
            SystemError(inside ? ENOTEMPTY : EISDIR, "rename", target + "\" to \"" + path);
      }
      if (!temporary.empty()) content.erase(temporary);  // renamed, or gone
    }
    if (done.status.ok()) content[path] = asked.content;
    return done;
  }

  absl::Status Injected(const AskedWrite& asked) {
    if (const auto fault = failing_nth.find(asked.operation); fault != failing_nth.end()) {
      return fault->second;
    }
    const auto perhaps = may_fail_nth.find(asked.operation);
    if (perhaps != may_fail_nth.end() && world_.ChooseFault()) return perhaps->second;
    for (const std::string& path : {asked.path, asked.options.temporary}) {
      if (const auto fault = failing_path.find(path); fault != failing_path.end()) {
        return fault->second;
      }
    }
    return absl::OkStatus();
  }

  bool IsDirectory(std::string path) const {
    if (!path.ends_with('/')) path += '/';
    const auto inside = content.lower_bound(path);
    return inside != content.end() && inside->first.starts_with(path);
  }

  World& world_;
  const BlockingFilesOptions options_;
  Source source_;
  std::map<FileOperation, UnderWay> under_way_;
  FileOperation last_operation_ = 0;
  bool closed_ = false;
  bool ended_ = false;

 public:
  std::map<std::string, std::string> content;
  std::vector<AskedWrite> writes;
  std::optional<Nanoseconds> latency;
  std::map<std::string, std::optional<Nanoseconds>> path_latency;
  std::map<FileOperation, absl::Status> failing_nth;
  std::map<FileOperation, absl::Status> may_fail_nth;
  std::map<std::string, absl::Status> failing_path;
  bool refuses = false;
};

FakeFiles::FakeFiles(World& world, BlockingFilesOptions options)
    : impl_(std::make_shared<Impl>(world, options)) {
  impl_->Start();
}
FakeFiles::~FakeFiles() { impl_->End(); }

FileRequest<FileReadFinished> FakeFiles::Read(std::string path) {
  return impl_->Add<FileReadFinished>({.path = std::move(path)});
}
FileRequest<FileWriteFinished> FakeFiles::Write(std::string path, std::string content,
                                                FileWriteOptions options) {
  return impl_->Add<FileWriteFinished>(
      {0, std::move(path), std::move(content), std::move(options)});
}

void FakeFiles::Put(std::string path, std::string content) {
  impl_->content[std::move(path)] = std::move(content);
}
void FakeFiles::Remove(const std::string& path) { impl_->content.erase(path); }
const std::map<std::string, std::string>& FakeFiles::content() const { return impl_->content; }
const std::vector<FakeFiles::AskedWrite>& FakeFiles::writes() const { return impl_->writes; }

void FakeFiles::SetLatency(std::optional<Nanoseconds> latency) { impl_->latency = latency; }
void FakeFiles::SetLatency(std::string path, Nanoseconds latency) {
  impl_->path_latency[std::move(path)] = latency;
}

void FakeFiles::FailNth(FileOperation nth, absl::Status status) {
  impl_->failing_nth[nth] = std::move(status);
}
void FakeFiles::MayFailNth(FileOperation nth, absl::Status status) {
  impl_->may_fail_nth[nth] = std::move(status);
}
void FakeFiles::Fail(std::string path, absl::Status status) {
  if (status.ok()) {
    impl_->failing_path.erase(path);
  } else {
    impl_->failing_path[std::move(path)] = std::move(status);
  }
}
void FakeFiles::Refuse(bool refuses) { impl_->refuses = refuses; }

}  // namespace belfry::testing
