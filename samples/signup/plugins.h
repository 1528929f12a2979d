// Listeners of the sign-up that were compiled apart.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/plugin_host.h"

namespace signup {

// Loads and starts each NAME.so of `folder`; NAME.json beside it, if it is there, is its
// configuration. What they log goes to stderr.
//
// Lifetime: the dispatcher outlives the host, which stops them.
// Errors: of the first one that cannot be loaded or started; none runs then.
absl::StatusOr<std::unique_ptr<belfry::PluginHost>> StartPlugins(belfry::Dispatcher& dispatcher,
                                                                 const std::string& folder);

}  // namespace signup
