// How a program's own connections begin.
#pragma once

#include "absl/status/statusor.h"

#include "belfry/endpoint.h"
#include "io/stream_group.h"

namespace belfry {

// Errors: see Connector.
absl::StatusOr<ConnectionId> OpenConnection(StreamGroup& group, const Endpoint& endpoint,
                                            HeldListener listener);
absl::StatusOr<ConnectionId> AdoptDescriptor(StreamGroup& group, int fd, HeldListener listener);

}  // namespace belfry
