#include "belfry/task_connection.h"

#include <utility>
#include <variant>

#include "task_io/task_connection_core.h"

namespace belfry {
namespace {

using Core = TaskConnection::Core;

class CoreListener : public ConnectionListener {
 public:
  explicit CoreListener(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  void OnOpened(Connection& connection) override { core_->Opened(connection); }
  void OnData(Connection& connection, std::string_view data) override {
    core_->Received(connection, data);
  }
  void OnEnd(Connection& /*connection*/) override { core_->PeerEnded(); }
  void OnWritable(Connection& /*connection*/) override { core_->SetWritable(true); }
  void OnClosed(Connection& /*connection*/, const ConnectionClosed& closed) override {
    core_->Closed(closed);
  }

 protected:
  const std::shared_ptr<Core> core_;
};

// Of one that comes: it is handed on when it is open.
class ComerListener final : public CoreListener {
 public:
  using Take = std::shared_ptr<const std::function<void(TaskConnection)>>;
  ComerListener(std::shared_ptr<Core> core, Take take)
      : CoreListener(std::move(core)), take_(std::move(take)) {}

  void OnOpened(Connection& connection) override {
    CoreListener::OnOpened(connection);
    const Take take = take_;
    (*take)(TaskConnection(core_));
  }

 private:
  const Take take_;
};

// The tasks hold what they need themselves: their TaskConnection may have moved on.
Task<absl::StatusOr<std::string>> TakeFrom(std::shared_ptr<Core> core, Core::What what,
                                           std::size_t bytes_max) {
  for (;;) {
    auto taken = core->Take(what, bytes_max);
    if (taken.index() == 0) co_return std::get<0>(std::move(taken));
    co_await std::get<Core::Signal>(taken);
  }
}

Task<absl::Status> WriteTo(std::shared_ptr<Core> core, std::string data) {
  core->Write(data);
  for (;;) {
    const auto written = core->Written();
    if (written.index() == 0) co_return std::get<0>(written);
    co_await std::get<Core::Signal>(written);
  }
}

}  // namespace

TaskConnection& TaskConnection::operator=(TaskConnection&& other) noexcept {
  std::swap(core_, other.core_);
  return *this;
}

TaskConnection::~TaskConnection() {
  if (core_ != nullptr) core_->Close();
}

Task<absl::StatusOr<std::string>> TaskConnection::ReadLine() {
  return TakeFrom(core_, Core::What::kLine, 0);
}

Task<absl::StatusOr<std::string>> TaskConnection::Read(std::size_t bytes_max) {
  return TakeFrom(core_, Core::What::kSome, bytes_max);
}

Task<absl::Status> TaskConnection::Write(std::string data) {
  return WriteTo(core_, std::move(data));
}

const std::string& TaskConnection::peer() const { return core_->peer(); }

Task<absl::StatusOr<TaskConnection>> Connect(EventLoop& loop, Connector& connector,
                                             Endpoint endpoint, TaskConnectionOptions options) {
  const auto core = std::make_shared<Core>(loop, endpoint.text(), options);
  TaskConnection connection(core);  // given up: it is closed
  loop.Post([core, &connector, endpoint] {
    const auto id = connector.Connect(endpoint, std::make_unique<CoreListener>(core));
    if (!id.ok()) return core->Failed(id.status());
    core->OnItsWay(connector.Find(*id));
  });
  co_await core->opened();
  if (!core->open()) co_return core->closed();
  co_return std::move(connection);
}

MakeConnectionListener ToTasks(EventLoop& loop, std::function<void(TaskConnection)> take,
                               TaskConnectionOptions options) {
  const auto shared = std::make_shared<const std::function<void(TaskConnection)>>(std::move(take));
  return [&loop, shared, options] {
    return std::make_unique<ComerListener>(std::make_shared<Core>(loop, "", options), shared);
  };
}

}  // namespace belfry
