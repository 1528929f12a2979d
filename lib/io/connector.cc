#include "belfry/connector.h"

#include <utility>

#include "io/connecting.h"
#include "io/stream_group.h"

namespace belfry {

Connector::Connector(EventLoop& loop, const ConnectionOptions& options)
    : group_(std::make_shared<StreamGroup>(loop, options)) {}
Connector::~Connector() {
  if (group_ != nullptr) group_->End();
}

absl::StatusOr<ConnectionId> Connector::Connect(const Endpoint& endpoint,
                                                ConnectionListener& listener) {
  return OpenConnection(*group_, endpoint, HeldListener(listener));
}
absl::StatusOr<ConnectionId> Connector::Connect(const Endpoint& endpoint,
                                                std::unique_ptr<ConnectionListener> listener) {
  return OpenConnection(*group_, endpoint, HeldListener(std::move(listener)));
}
absl::StatusOr<ConnectionId> Connector::Adopt(int fd, ConnectionListener& listener) {
  return AdoptDescriptor(*group_, fd, HeldListener(listener));
}
absl::StatusOr<ConnectionId> Connector::Adopt(int fd,
                                              std::unique_ptr<ConnectionListener> listener) {
  return AdoptDescriptor(*group_, fd, HeldListener(std::move(listener)));
}

std::size_t Connector::connections() const { return group_->open(); }
Connection* Connector::Find(ConnectionId connection) { return group_->Find(connection); }
void Connector::Defer(ConnectionId connection, std::function<void(Connection&)> work) {
  group_->Defer(connection, std::move(work));
}

}  // namespace belfry
