// The clients' side: many connections, each of which sends back what it gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

#include "belfry/endpoint.h"

namespace c10k {

// Opens `count` connections and serves them until the server has closed them all, or until SIGINT
// or SIGTERM. Prints how it goes each second, and ClientsSummary last.
// Errors: too few descriptors; a connection that could not be opened, or that broke.
absl::Status RunClients(const belfry::Endpoint& endpoint, std::size_t count);

// "10000 connections have answered 50000 lines\n"
std::string ClientsSummary(std::size_t connections, std::uint64_t answered);

}  // namespace c10k
