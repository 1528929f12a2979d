// The server as a program.
#pragma once

#include <cstddef>

#include "absl/status/status.h"

#include "belfry/endpoint.h"

namespace c10k {

constexpr std::size_t kClients = 10000;

// Broadcasts to whoever connects, until SIGINT or SIGTERM.
// Errors: see belfry::Server::Listen. Too few descriptors for kClients is only said.
absl::Status Serve(const belfry::Endpoint& endpoint);

}  // namespace c10k
